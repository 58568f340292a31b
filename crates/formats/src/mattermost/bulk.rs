//! Mattermost's bulk export: JSONL, one line a team, channel, user or post.
//!
//! | in the export | becomes |
//! |---|---|
//! | `post` | message of the group `team/channel` |
//! | `direct_post` with two members · the same twice · three and more | single chat · with oneself · group `direct/…` |
//! | `replies[]` in a post | messages of their own that quote it |
//! | `attachments[]` | 102, 104 or 105, by the ending of the name |
//! | `props.attachments[]` | words of the message |
//! | type `system_…`, "x joined the channel." | left out (`system-row`) |
//! | `@name`, `@channel`, `@all`, `@here` | 106, for users the export knows |
//! | `reactions`, `edit_at` | `ex` |
//! | all other lines | left out (`directory-row`); names of users and channels, e-mails, who is in which channel |
//!
//! Traps: posts have no id: channel, user and time tell them apart · answers are nested in their post, in no order
//! of time · users stand in front of the posts, so that names of mentions can be known · lists can be `null` · in
//! version 11 roles of 9 kB come first · old exports have joining as plain posts.
//!
//! Learnt from mattermost/docs `bulk-loading-data.rst`, mattermost/mattermost `imports/import_types.go`, zulip
//! fixtures, among them output of `mmctl` 11.6.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

use super::super::Ignore;
use super::super::codes::{self, reason};
use super::super::compose::{Composer, Draft, Extras, Part, Platform, Reaction, Reply, invalid, refuse};
use super::super::media::{Kind, Medium, mime_by_name};
use super::super::settings::SameTime;
use super::line::{Line, Post, User, attached};
use super::mentions;
use crate::export::cut::{Cutter, Lines};
use crate::export::{CHUNK, Chunk, Context, ExportError, Found, Input, Layout, Origin, Pool};
use crate::mapping::people::{Kind as PersonKind, Person};
use crate::mapping::{Mapper, Record as Raw, Relation, Role, Sink, each};
use crate::message::{Peer, Place, SendTime, SourceNo};

/// Both halves of the format.
pub(in super::super) struct Bulk {
    composer: Composer,
    max_record: usize,
    /// Users by the name that mentions call them, with what others see.
    users: OnceLock<HashMap<String, String>>,
}

/// The conversation of a post.
struct Chat<'a> {
    /// What tells its messages from others'.
    key: Cow<'a, str>,
    members: Vec<&'a str>,
}

/// The message that answers are to.
struct Root<'a> {
    id: &'a str,
    user: &'a str,
    words: &'a str,
}

impl Bulk {
    pub(in super::super) fn new(composer: Composer, max_record: usize) -> Self {
        Self { composer, max_record, users: OnceLock::new() }
    }

    fn line(&self, line: &Line<'_>, place: Place, sink: &mut dyn Sink) {
        match (&*line.kind.0, &line.post.0, &line.direct_post.0) {
            ("post", Some(post), _) => {
                let key = format!("{}/{}", post.team.0, post.channel.0);
                self.post(post, &Chat { key: Cow::Owned(key), members: Vec::new() }, place, sink);
            }
            ("direct_post", _, Some(post)) => {
                let chat = direct(post);
                if chat.members.is_empty() {
                    tell_members(&chat.key, post, sink);
                }
                self.post(post, &chat, place, sink);
            }
            ("post" | "direct_post", ..) => {
                refuse(sink, &codes::RECORD_INVALID, place, "the post itself is missing");
            }
            ("user", ..) => {
                if let Some(user) = &line.user.0 {
                    let face = self.composer.face(&user.profile_image.0, place, sink);
                    tell(user, &face, sink);
                }
                sink.left_out(place, reason::DIRECTORY_ROW);
            }
            ("bot", ..) => {
                if let Some(bot) = &line.bot.0 {
                    sink.person(Person::new(
                        PersonKind::User,
                        &bot.username.0,
                        bot.display_name.or(&bot.username.0),
                        "",
                    ));
                }
                sink.left_out(place, reason::DIRECTORY_ROW);
            }
            ("channel", ..) => {
                if let Some(channel) = &line.channel.0 {
                    let id = format!("{}/{}", channel.team.0, channel.name.0);
                    sink.person(Person::new(
                        PersonKind::Group,
                        &id,
                        channel.display_name.or(&channel.name.0),
                        "",
                    ));
                }
                sink.left_out(place, reason::DIRECTORY_ROW);
            }
            ("", ..) => refuse(sink, &codes::RECORD_INVALID, place, "it has no type"),
            _ => sink.left_out(place, reason::DIRECTORY_ROW),
        }
    }

    /// A post and its answers. Parts count on over all of them, so that each has a place of its own.
    fn post(&self, post: &Post<'_>, chat: &Chat<'_>, place: Place, sink: &mut dyn Sink) {
        let id = self.id(chat, post);
        let words = words(post);
        self.body(post, &id, &words, chat, None, place, sink);
        let user = Some(self.shown(&post.user.0)).filter(|s| !s.is_empty()).unwrap_or(&post.user.0);
        let root = Root { id: &id, user, words: &words };
        let mut part = parts_of(post);
        for reply in &post.replies.0 {
            let place = Place { part: place.part.saturating_add(part), ..place };
            let id = self.id(chat, reply);
            self.body(reply, &id, &self::words(reply), chat, Some(&root), place, sink);
            part = part.saturating_add(parts_of(reply));
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what a post and an answer have in common")]
    fn body(
        &self,
        body: &Post<'_>,
        id: &str,
        words: &str,
        chat: &Chat<'_>,
        root: Option<&Root<'_>>,
        place: Place,
        sink: &mut dyn Sink,
    ) {
        let Some(user) = body.user.some() else {
            return refuse(sink, &codes::SENDER_MISSING, place, id);
        };
        if is_system(body, user) {
            return sink.left_out(place, reason::SYSTEM_ROW);
        }
        let Ok(time) = body.create_at.0.parse::<i64>() else {
            return refuse(sink, &codes::TIME_INVALID, place, &body.create_at.0);
        };
        let peer = match &*chat.members {
            [one, other] if user == *one || user == *other => {
                Peer::User(Cow::Borrowed(if user == *one { *other } else { *one }))
            }
            [_, _] => {
                refuse(sink, &codes::OUTSIDER, place, user);
                return sink.left_out(place, reason::OUTSIDER);
            }
            _ => Peer::Group(Cow::Borrowed(&*chat.key)),
        };
        let mut parts = vec![Part::Text(Cow::Borrowed(words))];
        parts.extend(body.attachments.0.iter().map(|file| Part::Medium(medium(&file.path.0))));
        let props = body.props.0.as_ref();
        let edited = body.edit_at.0.parse::<i64>().ok().filter(|at| *at > 0);
        let draft = Draft {
            place,
            id: Some(Cow::Borrowed(id)),
            sender: Cow::Borrowed(user),
            nickname: Cow::Borrowed(
                props.and_then(|p| p.override_username.some()).unwrap_or_else(|| self.shown(user)),
            ),
            face_url: Cow::Borrowed(props.map_or("", |p| &p.override_icon_url.0)),
            peer,
            platform: Platform::default(),
            time: SendTime(time),
            mentions: mentions(words, |name| {
                self.users.get().filter(|users| users.contains_key(name)).map(|_| Cow::Owned(name.to_owned()))
            }),
            reply: root.map(|root| Reply {
                target: Cow::Borrowed(root.id),
                quoted: Some((Cow::Borrowed(root.user), Cow::Borrowed(root.words))),
            }),
            extras: Extras { edited_at: edited, reactions: reactions(body), ..Extras::default() },
        };
        self.composer.send(draft, parts, sink);
    }

    /// What others see of a user.
    fn shown(&self, user: &str) -> &str {
        self.users.get().and_then(|users| users.get(user)).map_or("", String::as_str)
    }

    fn id(&self, chat: &Chat<'_>, body: &Post<'_>) -> String {
        let id = format!("{}/{}/{}", chat.key, body.user.0, body.create_at.0);
        match self.composer.settings().about.same_time {
            SameTime::SameMessage => id,
            SameTime::ByText => format!("{id}/{:016x}", xxh3_64(body.message.0.as_bytes())),
        }
    }
}

impl Mapper for Bulk {
    fn map(&self, chunk: &Chunk, sink: &mut dyn Sink) {
        each(chunk, sink, &mut |place, raw, sink| {
            let Raw::Json(text) = raw else { return };
            match serde_json::from_str::<Line<'_>>(text) {
                Ok(line) => self.line(&line, place, sink),
                Err(error) => invalid(sink, place, &error),
            }
        });
    }
}

impl Layout for Bulk {
    /// The JSONL of an export; `data/` beside it has files of users, among them JSONL.
    fn belongs(&self, inside: &str) -> bool {
        let name = inside.to_ascii_lowercase();
        let hidden = name.split('/').any(|part| part.starts_with('.') || part == "__macosx");
        super::super::ending(&name) == "jsonl" && !hidden && !format!("/{name}").contains("/data/")
    }

    fn endings(&self) -> String {
        ".jsonl".to_owned()
    }

    fn arrange(&self, found: &mut Vec<Found>) -> Result<(), ExportError> {
        let mut users = HashMap::new();
        for file in found.iter().filter(|f| f.origin != Origin::Stdin) {
            names(file, self.max_record, &mut users)?;
        }
        // A second reading of the same files finds the same.
        self.users.get_or_init(|| users);
        Ok(())
    }

    fn cutter(&self, _: &mut Input, _: &Found) -> Result<Box<dyn Cutter>, ExportError> {
        Ok(Box::new(Lines::new(self.max_record)))
    }
}

/// Adds the names of users, which stand in front of the posts.
fn names(file: &Found, max: usize, users: &mut HashMap<String, String>) -> Result<(), ExportError> {
    let mut input = Input::open(file, SourceNo(0), None)?;
    let (mut cutter, mut pool) = (Lines::new(max), Pool::new(CHUNK));
    let context = Arc::new(Context::default());
    let mut posts = false;
    while !posts && let Some(chunk) = cutter.next(&mut input, &context, &mut pool)? {
        each(&chunk, &mut Ignore, &mut |_, raw, _| {
            let Raw::Json(text) = raw else { return };
            // A post is not taken apart twice.
            if posts || text.starts_with("{\"type\":\"post\"") {
                posts = true;
                return;
            }
            if let Ok(line) = serde_json::from_str::<Line<'_>>(text) {
                posts = matches!(&*line.kind.0, "post" | "direct_post");
                let user = line.user.0.as_ref().map(|u| (&u.username, u.shown()));
                let bot = line
                    .bot
                    .0
                    .as_ref()
                    .map(|b| (&b.username, Cow::Borrowed(b.display_name.or(&b.username.0))));
                users.extend(
                    user.or(bot).map(|(name, shown)| (name.0.to_ascii_lowercase(), shown.into_owned())),
                );
            }
        });
        pool.give(chunk.text);
    }
    Ok(())
}

/// Tells of a user: his name, his e-mail, the channels he is in. The server keeps those of whom it does not let in any
/// more, who are in none for others.
fn tell(user: &User<'_>, face: &str, sink: &mut dyn Sink) {
    let name = &user.username;
    sink.person(Person::new(PersonKind::User, &name.0, &user.shown(), face));
    if !user.email().is_empty() {
        sink.relation(Relation::Email { user: name.share(), email: user.email().into() });
    }
    if user.is_deactivated() {
        return;
    }
    for team in &user.teams.0 {
        for channel in &team.channels.0 {
            let group = Cow::Owned(format!("{}/{}", team.name.0, channel.name.0));
            sink.relation(Relation::Member { group, user: name.share(), role: channel.role() });
        }
    }
}

/// Tells who is in a chat of several, which no line of a user names.
fn tell_members(group: &str, post: &Post<'_>, sink: &mut dyn Sink) {
    for user in &post.channel_members.0 {
        let (group, user) = (Cow::Borrowed(group), Cow::Borrowed(&**user));
        sink.relation(Relation::Member { group, user, role: Role::Member });
    }
}

/// The conversation of a direct post: its members, in the order of their names.
fn direct<'a>(post: &'a Post<'_>) -> Chat<'a> {
    let mut members: Vec<&str> = post.channel_members.0.iter().map(|m| &**m).collect();
    members.sort_unstable();
    members.dedup();
    let names = members.join(",");
    match *members {
        // With oneself.
        [one] => Chat { key: Cow::Owned(format!("{one},{one}")), members: vec![one, one] },
        [_, _] => Chat { key: Cow::Owned(names), members },
        // Names of eight could be longer than what an id may have.
        _ => {
            let mut first = [0; 8];
            first.copy_from_slice(&Sha256::digest(names.as_bytes())[..8]);
            Chat {
                key: Cow::Owned(format!("direct/{:016x}", u64::from_be_bytes(first))),
                members: Vec::new(),
            }
        }
    }
}

/// The words of a post: its text, and what an integration has put into `props`.
fn words<'a>(body: &'a Post<'_>) -> Cow<'a, str> {
    let attachments = body.props.0.as_ref().map(|p| p.attachments.0.as_slice()).unwrap_or_default();
    if attachments.is_empty() {
        return Cow::Borrowed(&body.message.0);
    }
    let mut lines = vec![body.message.0.to_string()];
    lines.extend(attachments.iter().map(attached));
    lines.retain(|line| !line.is_empty());
    Cow::Owned(lines.join("\n"))
}

/// How many messages a body can give.
fn parts_of(body: &Post<'_>) -> u16 {
    u16::try_from(1 + body.attachments.0.len()).unwrap_or(u16::MAX)
}

fn is_system(body: &Post<'_>, user: &str) -> bool {
    let told = |what: &str| body.message.0.strip_prefix(user).is_some_and(|rest| rest == what);
    body.kind.0.starts_with("system_") || told(" joined the channel.") || told(" left the channel.")
}

fn reactions<'a>(body: &'a Post<'_>) -> Vec<Reaction<'a>> {
    let mut all: Vec<Reaction<'a>> = Vec::new();
    for reaction in &body.reactions.0 {
        let user = Cow::Borrowed(&*reaction.user.0);
        match all.iter_mut().find(|r| r.emoji == reaction.emoji_name.0) {
            Some(known) => {
                known.count += 1;
                known.users.push(user);
            }
            None => all.push(Reaction { emoji: reaction.emoji_name.share(), count: 1, users: vec![user] }),
        }
    }
    all
}

fn medium(path: &str) -> Medium<'_> {
    let name = path.rsplit('/').next().unwrap_or(path);
    Medium {
        kind: Kind::of("", name),
        key: Cow::Borrowed(path),
        path: Cow::Borrowed(path),
        name: Cow::Borrowed(name),
        mime: Cow::Borrowed(mime_by_name(name)),
        ..Medium::default()
    }
}

#[cfg(test)]
mod tests;
