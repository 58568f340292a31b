//! `import.toml` as it is written for an export: what this one needs, and why.

use super::document::{Document, string, strings};
use super::guess::Guess;

/// What is to be written.
#[derive(Debug, Default)]
pub struct Template {
    /// What was recognised, in a line.
    pub title: String,
    /// As the user typed them.
    pub sources: Vec<String>,
    /// What has to be decided before anything is read.
    pub to_do: Vec<String>,
    /// What stands under `[export]`.
    pub export: Document,
    /// Sections of a known format, whole.
    pub sections: Vec<Document>,
    /// The zone of its times, where it was said.
    pub zone: Option<String>,
    /// The mapping of an unknown one.
    pub guess: Option<Guess>,
    /// Why `[users]` translates ids; written where it is not what the format does by itself.
    pub translate: Option<String>,
}

/// An export of several, as it is written.
#[derive(Debug, Default)]
pub struct Table {
    /// What stands in front of the ids of its messages.
    pub name: String,
    /// What it is.
    pub template: Template,
}

impl Template {
    /// The text of the file.
    pub fn text(&self) -> String {
        let mut out = Document::default();
        begin(&mut out, &self.title);
        out.blank();
        out.set("sources", &strings(self.sources.iter().map(String::as_str)));
        if !self.to_do.is_empty() {
            to_do(&mut out, &self.to_do);
        }
        let how = self.how();
        if !how.is_empty() {
            out.blank();
            out.append(&how);
        }
        if let Some(why) = &self.translate {
            out.header("[users]");
            out.comment(why);
            out.set("ids", &string("translate"));
            out.comment("To give some of them other ids: a CSV with id,openim_id,nickname,face_url");
            out.example("file = \"users.csv\"");
        }
        end(&mut out);
        out.text().to_owned()
    }

    /// The text of a file with several exports; `sections` are for all of them.
    pub fn of_several(tables: &[Table], sections: &[Document]) -> String {
        let mut out = Document::default();
        begin(&mut out, &format!("{} exports of different formats", tables.len()));
        let open: Vec<String> =
            tables.iter().flat_map(|table| table.template.to_do.iter().cloned()).collect();
        if !open.is_empty() {
            to_do(&mut out, &open);
        }
        for Table { name, template } in tables {
            out.blank();
            out.comment(&template.title);
            out.headline("[[source]]");
            out.set("name", &string(name));
            out.set_lines("paths", &template.sources);
            out.append_within_source(&template.how());
        }
        for section in sections {
            out.blank();
            out.append(section);
        }
        out.header("[users]");
        out.comment(
            "The same person has another id in each export. `openim-import users --output users.csv` after a check lists all \
             of them: give those who are one the same openim_id, and name it here. Then their histories become one.",
        );
        out.example("file = \"users.csv\"");
        if let Some(why) = tables.iter().find_map(|table| table.template.translate.as_ref()) {
            out.comment(why);
            out.set("ids", &string("translate"));
        }
        end(&mut out);
        out.text().to_owned()
    }

    /// How it is read: `[export]`, the sections of its format, the mapping.
    fn how(&self) -> Document {
        let mut out = Document::default();
        if !self.export.is_empty() {
            out.blank();
            out.headline("[export]");
            out.append(&self.export);
        }
        for section in &self.sections {
            out.blank();
            out.append(section);
        }
        if let Some(guess) = &self.guess {
            mapping(&mut out, guess, self.zone.as_deref());
        }
        out
    }
}

fn begin(out: &mut Document, title: &str) {
    out.comment(&format!("{title}. Written by `openim-import init`."));
    out.comment(
        "Read what is said about each guess and mend what is wrong; every key is explained in config.example.toml. Then:",
    );
    out.item("openim-import check                  what is wrong with the export; sends nothing");
    out.item("openim-import run --rehearse         a whole import, into a server of its own");
    out.item("openim-import run --api URL          the import; the secret comes from OPENIM_SECRET");
}

fn to_do(out: &mut Document, open: &[String]) {
    out.blank();
    out.comment("To be decided; `check` and `run` refuse as long as a line stands here.");
    out.set_lines("to_do", open);
}

fn end(out: &mut Document) {
    out.header("[server]");
    out.example("api = \"http://127.0.0.1:10002\"        # the address of the OpenIM API");
}

fn mapping(out: &mut Document, guess: &Guess, zone: Option<&str>) {
    for note in &guess.notes {
        out.blank();
        out.comment(note);
    }
    if zone.is_some() || guess.needs_zone || guess.mojibake.is_some() {
        out.header("[mapping]");
    }
    if let Some((mojibake, why)) = &guess.mojibake {
        out.comment(why);
        out.set("mojibake", &string(mojibake.name()));
    }
    if let Some(zone) = zone {
        out.set("zone", &string(zone));
    } else if guess.needs_zone {
        out.comment(
            "The times do not say their zone, and it can't be guessed: put in the one they were written in.",
        );
        out.example("zone = \"Asia/Shanghai\"               # or \"Europe/Berlin\", \"+08:00\"");
    }
    out.header("[mapping.fields]");
    let width = guess.fields.iter().map(|field| field.key.name().len()).max().unwrap_or(0);
    for field in &guess.fields {
        out.comment(&field.note);
        out.set_aligned(field.key.name(), width, &field.rule.value());
    }
    for open in &guess.open {
        out.comment(&format!("MISSING: {}", open.note));
        if open.choices.is_empty() {
            out.hint(open.key.name(), &string("…"));
        }
        for choice in &open.choices {
            out.hint(open.key.name(), &choice.value());
        }
    }
    if !guess.unused.is_empty() {
        out.comment("Not used:");
        for column in &guess.unused {
            out.item(column);
        }
    }
    for rule in &guess.leave_out {
        out.blank();
        out.comment(&rule.note);
        out.headline("[[mapping.leave_out]]");
        out.set("column", &string(&rule.column));
        let (key, value) = rule.condition.value();
        out.set_aligned(key, 6, &value);
        out.set("reason", &string(rule.reason));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::hostile;
    use crate::guess::Answers;
    use crate::unknown::look;

    /// `import.toml` for one file, as the program writes it, and the guess that it was written from.
    fn written(dir: &tempfile::TempDir, name: &str, text: &str) -> Option<(String, Option<Guess>)> {
        let path = dir.path().join(name);
        fs_err::write(&path, text).unwrap();
        look_at(path.to_str().unwrap())
    }

    fn look_at(path: &str) -> Option<(String, Option<Guess>)> {
        let sources = vec![path.to_owned()];
        // A key that is no part of a path can't be one.
        let found = look(&sources, &Answers::default(), &mut |_, _| {}).ok()?;
        let template = Template {
            title: found.title,
            sources,
            to_do: found.to_do,
            export: found.export,
            translate: found.guess.as_ref().and_then(|guess| guess.translate.clone()),
            guess: found.guess.clone(),
            ..Template::default()
        };
        Some((template.text(), found.guess))
    }

    /// Only what `init` means is in it.
    fn assert_means(text: &str, guess: Option<&Guess>, seen: &str) {
        let read: toml::Table = text.parse().unwrap_or_else(|error| panic!("{seen:?}: {error}\n{text}"));
        for key in read.keys() {
            assert!(
                ["sources", "to_do", "export", "mapping", "users", "server"].contains(&key.as_str()),
                "{seen:?}: {key}"
            );
        }
        assert_eq!(read["sources"].as_array().unwrap().len(), 1);
        assert!(read["server"].as_table().unwrap().is_empty(), "{seen:?}");
        let users = read.get("users").map(ToString::to_string);
        assert!(
            users.is_none() || users.as_deref() == Some("{ ids = \"translate\" }"),
            "{seen:?}: {users:?}"
        );
        let export = read.get("export").and_then(toml::Value::as_table).cloned().unwrap_or_default();
        assert!(export.keys().all(|key| ["records", "csv", "include"].contains(&key.as_str())), "{seen:?}");
        let Some(guess) = guess else { return };
        let mapping = read["mapping"].as_table().unwrap();
        assert!(
            mapping.keys().all(|key| ["fields", "leave_out", "mojibake"].contains(&key.as_str())),
            "{seen:?}\n{text}"
        );
        let fields = mapping["fields"].as_table().unwrap();
        assert_eq!(fields.len(), guess.fields.len(), "{seen:?}\n{text}");
        for field in &guess.fields {
            let meant: toml::Table = format!("rule = {}", field.rule).parse().unwrap();
            assert_eq!(fields[field.key.name()], meant["rule"], "{seen:?}");
            if let Some(column) = field.rule.column() {
                let rule = &fields[field.key.name()];
                let read = rule.as_str().or_else(|| rule.get("column")?.as_str());
                assert_eq!(read, Some(column), "{seen:?}");
            }
        }
        let left_out = mapping.get("leave_out").map_or(0, |rules| rules.as_array().unwrap().len());
        assert_eq!(left_out, guess.leave_out.len(), "{seen:?}");
        assert!(
            text.chars().all(|c| c == '\n' || crate::visible::visible(&c.to_string()).len() == c.len_utf8())
        );
    }

    fn cell(text: &str) -> String {
        format!("\"{}\"", text.replace('"', "\"\""))
    }

    #[test]
    fn no_csv_writes_configuration() {
        let dir = tempfile::tempdir().unwrap();
        for evil in hostile() {
            let e = cell(&evil);
            let rows = |head: &str, row: &dyn Fn(usize) -> String| {
                (0..4).fold(format!("{head}\n"), |text, n| text + &row(n) + "\n")
            };
            let texts = [
                // A column that no rule uses, columns that rules use, and values that notes and rules show.
                rows(&format!("from,to,ts,text,{e}"), &|n| format!("a,b,170000000{n},hi {n},{e}")),
                rows(
                    &format!(
                        "{},to,{},{}",
                        cell(&format!("from {evil}")),
                        cell(&format!("sent at {evil}")),
                        cell(&format!("text {evil}"))
                    ),
                    &|n| format!("a,b,170000000{n},hi {n}"),
                ),
                rows("from,chat type,chat,date,text,message type", &|n| {
                    format!(
                        "{e},{},{e},0{}/04/2024 10:00,{e},{}",
                        if n % 2 == 0 { "direct" } else { &e },
                        n + 1,
                        if n == 0 { cell(&format!("system {evil}")) } else { e.clone() }
                    )
                }),
            ];
            for text in texts {
                let (toml, guess) = written(&dir, "export.csv", &text).unwrap();
                assert_means(&toml, guess.as_ref(), &evil);
            }
        }
    }

    #[test]
    fn no_json_writes_configuration() {
        let dir = tempfile::tempdir().unwrap();
        for evil in hostile() {
            let record = |n: u32| serde_json::json!({"from": "a", "to": {&evil: "b"}, "ts": 1_700_000_000 + n, "text": evil, &evil: evil, "type": if n == 0 { "text" } else { &evil }});
            let lines = format!("{}\n{}\n", record(0), record(1));
            let nested =
                serde_json::json!({&evil: {"name": evil, "messages": [record(0), record(1)]}}).to_string();
            let rooms = |key: &str| {
                let room = |n: u32| serde_json::json!({"name": format!("{evil}{n}"), "members": [evil, "a"], key: evil, "messages": [record(n), record(n + 1)]});
                serde_json::json!({"rooms": [room(0), room(1)], key: {"more": [record(2), record(3)]}})
                    .to_string()
            };
            let (rooms, odd_rooms) = (rooms("topic"), rooms(&evil));
            for (name, text) in [
                ("export.jsonl", lines),
                ("export.json", nested),
                ("rooms.json", rooms),
                ("odd.json", odd_rooms),
            ] {
                let Some((toml, guess)) = written(&dir, name, &text) else {
                    assert!(evil.contains(['[', ']']), "{evil:?}");
                    continue;
                };
                assert_means(&toml, guess.as_ref(), &evil);
            }
        }
    }

    #[test]
    fn no_name_of_a_file_writes_configuration() {
        for evil in hostile() {
            let dir = tempfile::tempdir().unwrap();
            let name = format!("{}.csv", evil.replace(['/', '\0', '*', '?', '['], "-"));
            let (toml, guess) =
                written(&dir, &name, "from,ts,text\na,1700000000,hi\nb,1700000001,ho\n").unwrap();
            assert_means(&toml, guess.as_ref(), &evil);
        }
    }

    #[test]
    fn no_name_of_a_folder_writes_configuration() {
        for evil in hostile() {
            let dir = tempfile::tempdir().unwrap();
            let folder = evil.replace(['/', '\0'], "-");
            for chat in [format!("a {folder}"), folder] {
                fs_err::create_dir(dir.path().join(&chat)).unwrap();
                let rows = "from,ts,text\na,1700000000,hi\nb,1700000001,ho\n";
                fs_err::write(dir.path().join(&chat).join("messages.csv"), rows).unwrap();
            }
            let (toml, guess) = look_at(dir.path().to_str().unwrap()).unwrap();
            assert!(toml.contains("inherited = \"@folder\""), "{toml}");
            assert_means(&toml, guess.as_ref(), &evil);
        }
    }
}
