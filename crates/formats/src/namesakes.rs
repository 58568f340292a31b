//! Groups that an export knows by their names alone. Two files that call theirs the same may be about one group, exported
//! twice, or about two: the words of one family must not reach another. The same group has the same messages in both; where
//! files share none, nothing tells, and the user is asked.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

use super::ordinary::{Ordinary, Tools, node};
use super::settings::SameName;
use crate::export::{ExportError, Found, Origin};

/// What the first reading came to.
#[derive(Default)]
pub(super) struct Namesakes(OnceLock<HashMap<String, Which>>);

/// Which group that is, of those with its name.
#[derive(Debug, PartialEq, Eq)]
enum Which {
    /// Nothing tells.
    Doubtful,
    /// That of the file of this path.
    Of(String),
}

/// Some messages of a file: those with the smallest hashes, so that two files that share many have some of them in common.
#[derive(Debug, Default)]
pub(super) struct Sample(BTreeSet<u64>);

/// Kept of a file.
const KEPT: usize = 1024;
/// One message, and a second, can have been written into two groups at once.
const SHARED: usize = 3;

impl Sample {
    /// Adds a message, by what two exports of one chat write of it alike.
    pub(super) fn add(&mut self, message: impl Hash) {
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        message.hash(&mut hasher);
        self.0.insert(hasher.finish());
        if self.0.len() > KEPT {
            self.0.pop_last();
        }
    }

    fn is_of_the_same(&self, other: &Self) -> bool {
        self.0.intersection(&other.0).take(SHARED).count() == SHARED
    }
}

impl Namesakes {
    /// Tells the groups of files apart: their paths, what their groups are called, and what is read of those whose name
    /// another one has.
    pub(super) fn settle(
        &self,
        files: Vec<(String, String)>,
        how: Option<SameName>,
        read: &mut dyn FnMut(&str) -> Result<Sample, ExportError>,
    ) -> Result<(), ExportError> {
        let mut named: HashMap<String, Vec<String>> = HashMap::new();
        for (path, name) in files {
            named.entry(name).or_default().push(path);
        }
        let mut known = HashMap::new();
        for mut paths in named.into_values() {
            let asked = match how {
                Some(SameName::One) => continue,
                Some(SameName::Apart) => false,
                None if paths.len() < 2 => continue,
                None => true,
            };
            paths.sort_unstable();
            // The first file of each group, and what the files of it have.
            let mut groups: Vec<(String, Vec<Sample>)> = Vec::new();
            let mut of: Vec<(String, String)> = Vec::new();
            for path in paths {
                let sample = read(&path)?;
                let (same, others): (Vec<_>, Vec<_>) = groups
                    .into_iter()
                    .partition(|(_, samples)| samples.iter().any(|one| one.is_of_the_same(&sample)));
                groups = others;
                // Two groups that this one shares messages with are one.
                let first = same.first().map_or_else(|| path.clone(), |(first, _)| first.clone());
                for (merged, _) in same.iter().skip(1) {
                    of.iter_mut().filter(|(_, of)| of == merged).for_each(|(_, of)| of.clone_from(&first));
                }
                let mut samples: Vec<Sample> = same.into_iter().flat_map(|(_, samples)| samples).collect();
                samples.push(sample);
                of.push((path, first.clone()));
                groups.push((first, samples));
            }
            if asked && groups.len() > 1 {
                known.extend(of.into_iter().map(|(path, _)| (path, Which::Doubtful)));
            } else if !asked {
                known.extend(of.into_iter().map(|(path, first)| (path, Which::Of(first))));
            }
        }
        // A second reading of the same files finds the same.
        self.0.get_or_init(|| known);
        Ok(())
    }

    /// The same of a format of ordinary shape: `name` tells what the group of a file is called, if it has no id, and `message`
    /// is what two exports write of a record alike.
    pub(super) fn read<F: Ordinary>(
        &self,
        format: &F,
        found: &[Found],
        tools: &Tools,
        name: &dyn Fn(&Found) -> Option<String>,
        message: &[&str],
    ) -> Result<(), ExportError> {
        let told = found.iter().filter(|file| file.origin != Origin::Stdin);
        let files: HashMap<&str, &Found> = told.map(|file| (&*file.path, file)).collect();
        let named = files.values().filter_map(|file| Some((file.path.clone(), name(file)?)));
        self.settle(named.collect(), tools.composer.settings().about.same_name, &mut |path| {
            let mut sample = Sample::default();
            if let Some(file) = files.get(path) {
                tools.each_record(format, file, &mut |raw, _| {
                    if let Ok(record) = node(format, raw) {
                        let said: Vec<String> =
                            message.iter().map(|key| record.str(key).into_owned()).collect();
                        if said.iter().all(|value| !value.is_empty()) {
                            sample.add(said);
                        }
                    }
                })?;
            }
            Ok(sample)
        })
    }

    /// The id of a group that is called so in that file; `None` if several are, and nothing tells which one it is.
    pub(super) fn group<'a>(&self, path: &str, name: Cow<'a, str>) -> Option<Cow<'a, str>> {
        match self.0.get().and_then(|known| known.get(path)) {
            None => Some(name),
            Some(Which::Doubtful) => None,
            Some(Which::Of(first)) => Some(format!("{name} ({first})").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::super::testing::{folder, sources};
    use super::super::{Format, Settings};
    use super::*;

    /// What a format writes of the group `Us`: the file's path and the messages of that minutes.
    type Written = fn(folder: &str, minutes: Range<u32>) -> (String, String);

    fn lines(minutes: Range<u32>, line: impl Fn(u32, u32) -> String) -> String {
        minutes.map(|n| line(n % 3, n)).collect()
    }

    /// Formats that know groups by name alone, for all of which the same holds.
    const NAMED: &[(Format, Written)] = &[
        (Format::ChatLab, |folder, minutes| {
            let meta =
                r#""chatlab":{"version":"0.0.2"},"meta":{"name":"Us","platform":"line","type":"group"}"#;
            let said = lines(minutes, |who, n| {
                format!(
                    "{{\"_type\":\"message\",\"sender\":\"u{who}\",\"timestamp\":{n},\"type\":0,\"content\":\"w{n}\"}}\n"
                )
            });
            (format!("{folder}/us.jsonl"), format!("{{\"_type\":\"header\",{meta}}}\n{said}"))
        }),
        (Format::ChatLab, |folder, minutes| {
            let meta =
                r#""chatlab":{"version":"0.0.2"},"meta":{"name":"Us","platform":"line","type":"group"}"#;
            let said = lines(minutes, |who, n| {
                format!(",{{\"sender\":\"u{who}\",\"timestamp\":{n},\"type\":0,\"content\":\"w{n}\"}}")
            });
            (format!("{folder}/us.json"), format!("{{{meta},\"messages\":[{}]}}", &said[1..]))
        }),
        (Format::QqText, |folder, minutes| {
            let said = lines(minutes, |who, n| format!("2024-01-02 9:{n:02}:00 N{who}(11{who})\nw{n}\n\n"));
            let rule = "=".repeat(64);
            let head = format!("{rule}\n消息分组:我的群聊\n{rule}\n消息对象:Us\n{rule}\n\n");
            (
                format!("{folder}/us.txt"),
                format!("消息记录（此消息记录为文本格式，不支持重新导入）\n\n{head}{said}"),
            )
        }),
        (Format::WhatsApp, |folder, minutes| {
            let said = lines(minutes, |who, n| format!("13/01/2024, 09:{n:02} - N{who}: w{n}\n"));
            (format!("{folder}/WhatsApp Chat with Us.txt"), said)
        }),
        (Format::DiscordCsv, |folder, minutes| {
            let said = lines(minutes, |who, n| format!("{who},N{who},2024-01-02T09:{n:02}:00Z,w{n},,\n"));
            (
                format!("{folder}/Us.csv"),
                format!("AuthorID,Author,Date,Content,Attachments,Reactions\n{said}"),
            )
        }),
        (Format::RocketChatCsv, |folder, minutes| {
            let said = lines(minutes, |who, n| format!("\"n{who}\",\"14791624813{n:02}\",\"w{n}\"\n"));
            (format!("{folder}/Us/messages.csv"), said)
        }),
    ];

    /// How many messages of each file go to which group, and what is found.
    fn told(format: Format, how: Option<SameName>, files: &[(String, String)]) -> (Vec<String>, Vec<String>) {
        let mut settings = Settings::default();
        settings.about.zone = Some("UTC".to_owned());
        settings.about.same_name = how;
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
        let got = folder(format, &settings, &files);
        let group = |line: &String| {
            Some(line.split(" 101 {").next()?.split_once("->#")?.1.rsplit_once(' ')?.0.to_owned())
        };
        let codes = got.findings.iter().filter_map(|line| line.split(' ').nth(1)).map(str::to_owned);
        let mut codes: Vec<String> = codes.collect();
        codes.dedup();
        (got.messages.iter().filter_map(group).collect(), codes)
    }

    #[test]
    fn the_words_of_one_family_never_reach_another_that_is_called_the_same() {
        for (format, written) in NAMED {
            let two = [written("a", 0..9), written("b", 20..29)];
            assert_eq!(told(*format, None, &two[..1]), (vec!["Us".to_owned(); 9], vec![]), "{format:?}");
            assert_eq!(
                told(*format, None, &two),
                (vec![], vec!["groups-of-one-name".to_owned()]),
                "{format:?}"
            );
            let (one, _) = told(*format, Some(SameName::One), &two);
            assert_eq!(one, vec!["Us".to_owned(); 18], "{format:?}");
            let (apart, found) = told(*format, Some(SameName::Apart), &two);
            assert!(apart.len() == 18 && found.is_empty(), "{format:?} {apart:?} {found:?}");
            let groups: BTreeSet<&String> = apart.iter().collect();
            assert!(groups.len() == 2 && groups.iter().all(|group| group.starts_with("Us (")), "{groups:?}");
            // The same group twice, the second time with what came later.
            let twice = [written("a", 0..9), written("b", 0..29)];
            let (one, found) = told(*format, None, &twice);
            assert!(
                one.iter().all(|group| group == "Us") && one.len() == 38 && found.is_empty(),
                "{format:?} {found:?}"
            );
        }
    }

    #[test]
    fn all_chats_of_qq_in_one_file_stay_apart() {
        let rule = "=".repeat(64);
        let head = |name: &str| format!("{rule}\n消息分组:我的好友\n{rule}\n消息对象:{name}\n{rule}\n\n");
        let said = |who: &[u32]| -> String {
            who.iter().fold(String::new(), |all, who| {
                all + &format!("2024-01-02 9:08:07 N{who}({who})\nfrom {who}\n\n")
            })
        };
        let all = [
            "消息记录（此消息记录为文本格式，不支持重新导入）\n\n".to_owned(),
            head("Ann") + &said(&[1, 2, 1]),
            head("Nobody"),
            head("Us") + &said(&[1, 3, 4]),
            head("Bea") + &said(&[5]),
            head("Old") + "2009-01-02 9:08:07 Old\nnot to be read\n\n",
        ]
        .concat();
        let mut settings = Settings::default();
        settings.about.zone = Some("UTC".to_owned());
        settings.about.me = Some("1".to_owned());
        let got = folder(Format::QqText, &settings, &[("all.txt", &all)]);
        let to: Vec<&str> = got.messages.iter().filter_map(|one| one.split_whitespace().nth(1)).collect();
        assert_eq!(to, ["1->@2", "2->@1", "1->@2", "1->#Us", "3->#Us", "4->#Us", "5->@1"]);
        assert!(
            got.messages.iter().all(|one| one.contains("from") && !one.contains("===")),
            "{:?}",
            got.messages
        );
        assert_eq!(got.findings.len(), 1, "{:?}", got.findings);
        assert!(got.findings[0].contains("record-invalid"), "{:?}", got.findings);
        // Two groups of one name, in one file.
        let two = [head("Us"), said(&[1, 3, 4]), head("Us"), said(&[1, 6, 7])].concat();
        let got = folder(Format::QqText, &settings, &[("all.txt", &two)]);
        assert!(got.messages.is_empty() && got.findings.len() == 6, "{:?}", got.findings);
    }

    #[test]
    fn a_group_that_the_app_alone_calls_by_name_is_asked_about_as_well() {
        let lines = |writers: [&str; 2]| {
            let app = "[13/1/24, 10:00:00] Us: \u{200e}Messages and calls are end-to-end encrypted.\n";
            let said = writers.map(|who| format!("[13/1/24, 10:00:03] {who}: hi\n")).concat();
            format!("{app}[13/1/24, 10:00:01] Us: \u{200e}Ann created this group\n{said}")
        };
        let within = tempfile::tempdir().unwrap();
        let paths = [("x", ["Ann", "Bob"]), ("y", ["Cem", "Dee"])].map(|(folder, writers)| {
            let path = within.path().join(folder).join("_chat.txt");
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(&path, lines(writers)).unwrap();
            path.to_string_lossy().into_owned()
        });
        let mut settings = Settings::default();
        settings.about.zone = Some("UTC".to_owned());
        let read = |paths: &[String]| sources(Format::WhatsApp, &settings, paths, 1 << 16).unwrap();
        let one = read(&paths[..1]).messages;
        let (both, found) = (read(&paths).messages, read(&paths).findings);
        assert!(one.len() == 2 && both.is_empty() && found.len() == 4, "{one:?} {both:?} {found:?}");
    }

    #[test]
    fn files_that_share_messages_are_of_one_group_also_over_a_third() {
        let said: HashMap<&str, std::ops::Range<u32>> =
            [("a", 0..50), ("b", 100..150), ("c", 40..110), ("d", 148..200), ("e", 0..9)].into();
        let told = |paths: &[&str], how| {
            let namesakes = Namesakes::default();
            let files = paths.iter().map(|path| ((*path).to_owned(), "Us".to_owned())).collect();
            let mut read = |path: &str| {
                let mut sample = Sample::default();
                said[path].clone().for_each(|n| sample.add(n));
                Ok(sample)
            };
            namesakes.settle(files, how, &mut read).unwrap();
            let group = |path: &&str| namesakes.group(path, "Us".into()).map(Cow::into_owned);
            paths.iter().map(group).collect::<Vec<_>>()
        };
        let us = |of: &str| Some(if of.is_empty() { "Us".to_owned() } else { format!("Us ({of})") });
        assert_eq!(told(&["a"], None), [us("")]);
        assert_eq!(told(&["a", "b"], None), [None, None]);
        assert_eq!(told(&["a", "b", "c"], None), [us(""), us(""), us("")]);
        assert_eq!(told(&["a", "b"], Some(SameName::One)), [us(""), us("")]);
        // Two messages in common prove nothing.
        assert_eq!(told(&["b", "d"], None), [None, None]);
        assert_eq!(
            told(&["a", "b", "c", "d", "e"], Some(SameName::Apart)),
            [us("a"), us("a"), us("a"), us("d"), us("a")]
        );
        // As it will be called when another one comes.
        assert_eq!(told(&["a"], Some(SameName::Apart)), [us("a")]);
    }

    #[test]
    fn a_few_of_many_messages_are_found_in_both() {
        let sample = |range: std::ops::Range<u64>| {
            let mut sample = Sample::default();
            range.for_each(|n| sample.add(n));
            sample
        };
        assert!(sample(0..40_000).is_of_the_same(&sample(36_000..76_000)));
        assert!(!sample(0..40_000).is_of_the_same(&sample(40_000..80_000)));
    }
}
