//! Random exports in several passes and files against a model that keeps everything in memory.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::job::Reply;

/// A line of an export. Few values, so that nearly everything happens twice.
#[derive(Debug, Clone)]
struct Line {
    to: usize,
    time: i64,
    text: u8,
    id: Option<u8>,
    quote: Option<u8>,
}

/// Sender and receiver; the last is a group.
const WHERE: [(&str, &str); 4] = [("a", "b"), ("b", "a"), ("a", "c"), ("b", "g")];

fn line() -> impl Strategy<Value = Line> {
    let id = prop_oneof![2 => Just(None), 1 => (0u8..30).prop_map(Some)];
    let quote = prop_oneof![3 => Just(None), 1 => (0u8..30).prop_map(Some)];
    (0usize..4, 0i64..6, 0u8..2, id, quote).prop_map(|(to, time, text, id, quote)| Line {
        to,
        time,
        text,
        id,
        quote,
    })
}

impl Line {
    fn conversation(&self) -> &'static str {
        ["si_a_b", "si_a_b", "si_a_c", "sg_g"][self.to]
    }

    fn json(&self, marker: usize) -> String {
        let (from, to) = WHERE[self.to];
        let mut json = json!({
            "sendID": from, "sendTime": 1_700_000_000_000 + self.time, "text": self.text.to_string(),
            // Plays no part in whether two are the same.
            "senderNickname": marker.to_string(),
        });
        json[if to == "g" { "groupID" } else { "recvID" }] = to.into();
        if let Some(id) = self.id {
            json["id"] = id.to_string().into();
        }
        if let Some(quote) = self.quote {
            json["quote"] = quote.to_string().into();
        }
        json.to_string()
    }

    /// What makes it the same as another.
    fn says(&self) -> (usize, i64, u8, bool) {
        (self.to, self.time, self.text, self.quote.is_some())
    }
}

#[derive(Debug, Default)]
struct Model {
    /// Markers by conversation, in order, with the marker of the quoted one.
    conversations: BTreeMap<&'static str, Vec<(usize, Option<usize>)>>,
    by_id: HashMap<u8, (Line, usize)>,
    times: HashMap<(usize, i64, u8, bool), u64>,
    markers: usize,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    messages: u64,
    duplicates: u64,
    known: u64,
    rejected: u64,
}

impl Model {
    fn pass(&mut self, files: &[Vec<Line>]) -> Counts {
        let mut counts = Counts::default();
        let (ids_before, times_before) = (self.by_id.clone(), self.times.clone());
        let mut new: Vec<(Line, usize)> = Vec::new();
        for file in files {
            let mut here: HashMap<_, u64> = HashMap::new();
            for line in file {
                let marker = self.markers;
                self.markers += 1;
                let is_new = if let Some(id) = line.id {
                    match (ids_before.get(&id), self.by_id.get(&id)) {
                        (Some((known, _)), _) if known.says() == line.says() => {
                            counts.known += 1;
                            false
                        }
                        (Some((known, _)), _) => {
                            // Where only the words differ it was edited.
                            if (known.to, known.time) == (line.to, line.time) {
                                counts.known += 1;
                            } else {
                                counts.rejected += 1;
                            }
                            false
                        }
                        (None, Some((known, _))) => {
                            if known.says() == line.says() {
                                counts.duplicates += 1;
                            } else {
                                counts.rejected += 1;
                            }
                            false
                        }
                        (None, None) => {
                            self.by_id.insert(id, (line.clone(), marker));
                            true
                        }
                    }
                } else {
                    let here = here.entry(line.says()).or_default();
                    *here += 1;
                    let most = self.times.entry(line.says()).or_default();
                    let is_new = *here > *most;
                    *most = (*most).max(*here);
                    if !is_new && *here <= times_before.get(&line.says()).copied().unwrap_or(0) {
                        counts.known += 1;
                    } else if !is_new {
                        counts.duplicates += 1;
                    }
                    is_new
                };
                if is_new {
                    new.push((line.clone(), marker));
                }
            }
        }
        counts.messages = new.len() as u64;
        new.sort_by_key(|(line, marker)| (line.time, *marker));
        for (line, marker) in new {
            let conversation = self.conversations.entry(line.conversation()).or_default();
            let target = line.quote.and_then(|quote| self.by_id.get(&quote)).map(|(_, marker)| *marker);
            let quoted = target.filter(|target| conversation.iter().any(|(marker, _)| marker == target));
            conversation.push((marker, quoted));
        }
        counts
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn passes_agree_with_the_model(
        passes in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(line(), 1..25), 1..4), 1..4),
        run in 1usize..40,
    ) {
        let bench = Bench { run, ..Bench::new() };
        let mut job = bench.job();
        let mut model = Model::default();
        let mut file_no = 0;
        for files in &passes {
            let mut marker = model.markers;
            let mut written = Vec::new();
            for lines in files {
                let mut json = Vec::new();
                for line in lines {
                    json.push(line.json(marker));
                    marker += 1;
                }
                written.push((format!("{file_no:03}.jsonl"), json));
                file_no += 1;
            }
            let written: Vec<_> = written.iter().map(|(name, lines)| (name.as_str(), lines.clone())).collect();
            let want = model.pass(files);
            let summary = bench.pass(&mut job, &written);
            let got = Counts {
                messages: summary.messages,
                duplicates: summary.duplicates_in_source,
                known: summary.known,
                rejected: summary.rejected,
            };
            prop_assert_eq!(got, want);
        }
        let reader = job.reader().unwrap();
        prop_assert_eq!(reader.conversations(None, 9).unwrap().len(), model.conversations.len());
        for (conversation, want) in &model.conversations {
            let conv = reader.find(&ConversationId((*conversation).to_owned())).unwrap().unwrap().no;
            let messages = entries(&reader, conv);
            let marker = |n: usize| messages[n].1.nickname().parse::<usize>().unwrap();
            let got: Vec<_> = (0..messages.len())
                .map(|n| {
                    let quoted = match messages[n].0.reply {
                        Reply::To(target) => {
                            let ordinal = reader.ordinal_of(conv, target).unwrap().unwrap();
                            Some(marker(usize::try_from(ordinal.0).unwrap()))
                        }
                        _ => None,
                    };
                    (marker(n), quoted)
                })
                .collect();
            prop_assert_eq!(&got, want, "{}", conversation);
        }
    }
}
