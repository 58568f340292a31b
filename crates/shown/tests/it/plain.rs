//! A second judge, slow and plain, written apart from the first: lists that are searched from end to end, ids that
//! are words. It shares nothing with the first but what goes in, what comes out, and the sort of Go's library.

use super::logs::Slots;
use importer_shown::{Version, sort_by_time};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
struct Row {
    name: String,
    seq: i64,
    time: i64,
    dead: bool,
}

/// What came out: how it ended, pages, lost, repeated, misplaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) ended: &'static str,
    pub(crate) pages: usize,
    pub(crate) lost: usize,
    pub(crate) repeated: usize,
    pub(crate) misplaced: usize,
}

struct Phone {
    new: bool,
    log: BTreeMap<i64, (i64, Option<String>)>,
    cut: i64,
    rows: Vec<Row>,
    made_up: usize,
    low: i64,
    min: i64,
}

pub(crate) fn scroll(slots: &Slots, cut: i64, newer: i64, version: Version, size: usize) -> Outcome {
    let mut log: BTreeMap<i64, (i64, Option<String>)> = BTreeMap::new();
    for slot in slots.iter().filter(|slot| slot.seq >= cut) {
        log.insert(slot.seq, (slot.time, slot.id.map(|id| format!("m{id}"))));
    }
    let last = slots.last().map_or(0, |slot| slot.seq);
    let latest = log.values().map(|(time, _)| *time).max().unwrap_or(0).max(1);
    for n in 1..=newer {
        log.insert(last + n, (latest + 1000 * n, Some(format!("new{n}"))));
    }
    let mut names: Vec<&String> = log.values().filter_map(|(_, name)| name.as_ref()).collect();
    names.sort();
    names.dedup();
    let wanted = names.len();
    let newest = log.iter().rev().find_map(|(seq, (time, name))| Some((*seq, *time, name.clone()?)));
    let rows = newest.map(|(seq, time, name)| Row { name, seq, time, dead: false }).into_iter().collect();
    let new = version == Version::Patch14;
    let mut phone = Phone { new, log: log.clone(), cut, rows, made_up: 0, low: 0, min: 1 };

    let mut seen: Vec<Row> = Vec::new();
    let mut pages = 0;
    let mut from: Option<Row> = None;
    let needed = wanted.div_ceil(size);
    let ended = loop {
        if pages > 60.max(4 * needed) {
            break "endless";
        }
        let Some((page, end)) = phone.ask(from.as_ref(), size) else { break "hang" };
        pages += 1;
        let stop = end || page.is_empty();
        from = page.first().cloned();
        seen = page.into_iter().chain(seen).collect();
        if stop {
            break "end";
        }
    };
    let mut distinct: Vec<&str> = seen.iter().map(|row| row.name.as_str()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let rising = |a: &Row, b: &Row| a.time < b.time;
    let misplaced = (1..seen.len()).filter(|n| !rising(&seen[n - 1], &seen[*n])).count();
    Outcome { ended, pages, lost: wanted - distinct.len(), repeated: seen.len() - distinct.len(), misplaced }
}

impl Phone {
    fn ask(&mut self, from: Option<&Row>, size: usize) -> Option<(Vec<Row>, bool)> {
        match from {
            None => self.low = 0,
            Some(row) => {
                if self.low == 0 {
                    self.low = row.seq;
                }
            }
        }
        let mut mark: Option<(i64, i64, String)> =
            from.map(|row| (row.time, row.seq, "the app's".to_owned()));
        let mut page: Vec<Row> = Vec::new();
        let mut places: Vec<(i64, i64)> = Vec::new();
        let mut end = false;
        loop {
            let need = size - page.len();
            // The list.
            let mut list: Vec<Row> = self
                .rows
                .iter()
                .filter(|row| match &mark {
                    Some((time, seq, _)) if *time > 0 => {
                        row.time < *time || row.time == *time && row.seq < *seq
                    }
                    _ => true,
                })
                .cloned()
                .collect();
            list.sort_by(|a, b| b.time.cmp(&a.time).then(b.seq.cmp(&a.seq)));
            list.truncate(need);
            let before = if self.new && Self::is_untidy(&list) { Some(self.untidy_names()) } else { None };
            // The gaps.
            let top = list.iter().map(|row| row.seq).max().unwrap_or(0);
            if self.new {
                self.between(top, need, mark.as_ref(), &mut list);
                self.inside(need, mark.as_ref(), &mut list);
            } else {
                self.inside(need, mark.as_ref(), &mut list);
                self.between(top, need, mark.as_ref(), &mut list);
            }
            // The end.
            if list.len() < need {
                let lowest = list.iter().map(|row| row.seq).min().unwrap_or(0);
                if lowest <= self.min {
                    end = true;
                } else {
                    self.get((self.min..lowest).collect(), need, mark.as_ref(), &mut list);
                    let lowest = list.iter().map(|row| row.seq).min().unwrap_or(0);
                    end = list.len() < need && lowest <= self.min;
                }
            }
            if let Some(names) = before {
                self.rows.retain(|row| !names.contains(&row.name));
            }
            for row in &list {
                if self.low == 0 || row.seq < self.low {
                    self.low = row.seq;
                }
            }
            page.extend(list.iter().filter(|row| !row.dead).cloned());
            if end || page.len() >= size {
                break;
            }
            let oldest = list.last().unwrap();
            let mut next = (oldest.time, oldest.seq, oldest.name.clone());
            if self.new && mark.is_none() && next.0 == 0 {
                let times = list.iter().map(|row| row.time).filter(|time| *time != 0);
                next.0 = times.min().unwrap_or(0);
            }
            if self.new && mark.as_ref() == Some(&next) {
                end = true;
                break;
            }
            places.push((next.0, next.1));
            if places.iter().filter(|place| **place == (next.0, next.1)).count() == 50 {
                return None;
            }
            mark = Some(next);
        }
        // Go's own sort is no part of either judge.
        sort_by_time(&mut page, |row| row.time);
        Some((page, end))
    }

    fn is_untidy(list: &[Row]) -> bool {
        let twice = list.iter().any(|row| list.iter().filter(|other| other.seq == row.seq).count() > 1);
        twice || list.iter().any(|row| row.time == 0)
    }

    /// Which rows the clean-up would take away now.
    fn untidy_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for row in &self.rows {
            if row.time == 0 {
                names.push(row.name.clone());
                continue;
            }
            let others = self
                .rows
                .iter()
                .filter(|other| other.seq == row.seq && other.time != 0 && other.name != row.name);
            for other in others {
                let loses = row.dead
                    && (!other.dead
                        || other.time < row.time
                        || other.time == row.time && other.name < row.name);
                if loses {
                    names.push(row.name.clone());
                }
            }
        }
        names
    }

    fn between(&mut self, top: i64, need: usize, mark: Option<&(i64, i64, String)>, list: &mut Vec<Row>) {
        if self.low != 0 && self.low != top + 1 {
            self.get((top + 1..self.low).collect(), need, mark, list);
        }
    }

    fn inside(&mut self, need: usize, mark: Option<&(i64, i64, String)>, list: &mut Vec<Row>) {
        let seqs: Vec<i64> = list.iter().map(|row| row.seq).collect();
        if let (Some(low), Some(high)) = (seqs.iter().min(), seqs.iter().max()) {
            self.get((*low..=*high).filter(|seq| !seqs.contains(seq)).collect(), need, mark, list);
        }
    }

    fn get(
        &mut self,
        mut seqs: Vec<i64>,
        need: usize,
        mark: Option<&(i64, i64, String)>,
        list: &mut Vec<Row>,
    ) {
        if seqs.is_empty() {
            return;
        }
        while seqs.len() > 50 {
            seqs.remove(0);
        }
        let mut came: Vec<(i64, i64, Option<String>)> = Vec::new();
        for seq in &seqs {
            if *seq >= self.cut {
                let (time, name) = self.log[seq].clone();
                came.push((*seq, time, name));
            } else {
                self.min = self.min.max(self.cut);
                if self.new {
                    came.push((*seq, 0, None));
                }
            }
        }
        if self.new {
            let mut dates: BTreeMap<i64, i64> = list.iter().map(|row| (row.seq, row.time)).collect();
            // Of several rows with one seq any: they have one time, or the log would be undated.
            dates.extend(came.iter().map(|(seq, time, _)| (*seq, *time)));
            dates.retain(|_, time| *time > 0);
            for one in came.iter_mut().filter(|one| one.1 == 0) {
                let higher = dates.range(one.0 + 1..).next().map(|(_, time)| *time);
                let lower = dates.range(..one.0).next_back().map(|(_, time)| *time);
                one.1 = higher.or(lower).unwrap_or(mark.map_or(0, |mark| mark.0));
            }
        }
        let mut answer: Vec<Row> = Vec::new();
        for (seq, time, name) in came {
            let known = name.clone().filter(|name| !self.rows.iter().any(|row| row.name == *name));
            let dead = known.is_none();
            self.made_up += 1;
            let name = known.unwrap_or_else(|| format!("dead {:09}", self.made_up));
            let row = Row { name, seq, time, dead };
            self.rows.push(row.clone());
            answer.insert(0, row);
        }
        let mut merged: Vec<Row> = Vec::new();
        let (mut a, mut b) = (0, 0);
        while merged.len() < need && (a < list.len() || b < answer.len()) {
            let first = match (list.get(a), answer.get(b)) {
                (Some(held), Some(fresh)) => {
                    held.time > fresh.time || held.time == fresh.time && held.seq > fresh.seq
                }
                (held, _) => held.is_some(),
            };
            if first {
                merged.push(list[a].clone());
                a += 1;
            } else {
                merged.push(answer[b].clone());
                b += 1;
            }
        }
        *list = merged;
    }
}
