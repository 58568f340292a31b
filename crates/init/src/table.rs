//! The records of an unknown export as a table: CSV rows as they are, JSON objects by the paths of their keys.

use std::collections::HashMap;

use super::values::Column;

/// What the records of an export have in common.
#[derive(Debug, Default)]
pub struct Table {
    /// Columns or paths of keys, in the order in which they appeared.
    pub columns: Vec<Column>,
    /// How many records were looked at.
    pub records: u64,
    /// Names of what records inherit, with their values: paths, and what enclosing objects say.
    pub inherited: Vec<Column>,
    /// Some whole records, to see how columns belong together.
    pub sample: Vec<Vec<String>>,
    /// What each of them inherits: a number in `around`.
    pub(super) inherits: Vec<usize>,
    /// What sampled records inherit, by name.
    pub(super) around: Vec<Vec<(String, String)>>,
    /// What the next records inherit, if one of them is sampled.
    current: Vec<(String, String)>,
    /// It is the last of `around`.
    kept: bool,
    positions: HashMap<String, usize>,
    /// The record in which each column was filled last, counted from 1.
    filled_in: Vec<u64>,
    /// Keys that found no room.
    pub more_keys: bool,
    row: Vec<String>,
    skip: u64,
}

impl Table {
    /// More columns than anybody reads; objects whose keys are data have more.
    const COLUMNS: usize = 300;
    /// Records kept whole, and characters kept of a value.
    const SAMPLE: usize = 1000;
    const SAMPLE_LENGTH: usize = 200;
    /// Inherited values kept of a sampled record, and characters of each.
    const AROUND: usize = 40;
    const AROUND_LENGTH: usize = 400;

    /// Looks at one value of the current record.
    pub fn value(&mut self, name: &str, value: &str) {
        let at = match self.positions.get(name) {
            Some(at) => *at,
            None if self.columns.len() < Self::COLUMNS => {
                self.columns.push(Column::new(name));
                self.filled_in.push(0);
                self.positions.insert(name.to_owned(), self.columns.len() - 1);
                self.columns.len() - 1
            }
            None => {
                self.more_keys = true;
                return;
            }
        };
        let column = &mut self.columns[at];
        let before = column.filled;
        column.add(value);
        // A key that stands twice in a record fills it once. Lists have many values, and are no words of a message.
        if column.filled > before && !name.contains('[') {
            let this = self.records + 1;
            if std::mem::replace(&mut self.filled_in[at], this) == this {
                column.filled = before;
            }
        }
        if self.keeps() {
            self.row.resize(self.columns.len().max(self.row.len()), String::new());
            self.row[at] = value.trim().chars().take(Self::SAMPLE_LENGTH).collect();
        }
    }

    /// The current record ends.
    pub fn end_record(&mut self) {
        if self.keeps() {
            self.sample.push(std::mem::take(&mut self.row));
            if !self.kept {
                self.around.push(self.current.clone());
                self.kept = true;
            }
            self.inherits.push(self.around.len() - 1);
            // Half of them from the beginning, the rest ever more rarely.
            if self.sample.len() == Self::SAMPLE {
                let stays = |n: &mut usize| {
                    *n += 1;
                    *n <= Self::SAMPLE / 2 || n.is_multiple_of(2)
                };
                let (mut n, mut m) = (0, 0);
                self.sample.retain(|_| stays(&mut n));
                self.inherits.retain(|_| stays(&mut m));
                self.forget_around();
                self.skip = self.skip * 2 + 1;
            }
        }
        self.records += 1;
    }

    /// Keeps only what a sampled record inherits.
    fn forget_around(&mut self) {
        let mut numbers = HashMap::new();
        let mut around = Vec::new();
        for at in &mut self.inherits {
            *at = *numbers.entry(*at).or_insert_with(|| {
                around.push(std::mem::take(&mut self.around[*at]));
                around.len() - 1
            });
        }
        self.around = around;
        self.kept = false;
    }

    /// The following records inherit what is told after this.
    pub fn begin_chunk(&mut self) {
        self.current.clear();
        self.kept = false;
    }

    /// Looks at what records inherit.
    pub fn inherit(&mut self, name: &str, value: &str) {
        if self.current.len() < Self::AROUND {
            self.current.push((name.to_owned(), value.chars().take(Self::AROUND_LENGTH).collect()));
        }
        if let Some(column) = self.inherited.iter_mut().find(|column| column.name == name) {
            column.add(value);
        } else if self.inherited.len() < Self::COLUMNS {
            let mut column = Column::new(name);
            column.add(value);
            self.inherited.push(column);
        }
    }

    /// The pairs of values that two columns have in the sample.
    pub fn pairs(&self, a: usize, b: usize) -> impl Iterator<Item = (&str, &str)> {
        self.sample.iter().map(move |row| (cell(row, a), cell(row, b)))
    }

    fn keeps(&self) -> bool {
        self.records.is_multiple_of(self.skip + 1)
    }
}

impl Table {
    /// The values of a column in the sample.
    pub(super) fn series(&self, at: usize) -> Vec<&str> {
        self.sample.iter().map(|row| cell(row, at)).collect()
    }

    /// What the records of the sample inherit under that name.
    pub(super) fn series_around(&self, name: &str) -> Vec<&str> {
        let of = |around: &'_ Vec<(String, String)>| around.iter().rposition(|(n, _)| n == name);
        let at: Vec<Option<usize>> = self.around.iter().map(of).collect();
        let value = |n: &usize| at[*n].map_or("", |at| self.around[*n][at].1.as_str());
        self.inherits.iter().map(value).collect()
    }
}

/// A value of a sampled record; empty where it has none.
pub(super) fn cell(row: &[String], at: usize) -> &str {
    row.get(at).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_bounded_and_reaches_to_the_end() {
        let mut table = Table::default();
        for n in 0..100_000 {
            table.value("id", &n.to_string());
            if n % 2 == 0 {
                table.value("even", "yes");
            }
            table.end_record();
        }
        assert_eq!((table.records, table.columns.len()), (100_000, 2));
        assert!((500..=1000).contains(&table.sample.len()), "{}", table.sample.len());
        let last: u64 = cell(table.sample.last().unwrap(), 0).parse().unwrap();
        assert!(last > 90_000, "{last}");
        assert!(
            table.pairs(0, 1).all(|(id, even)| id.ends_with(['0', '2', '4', '6', '8']) == (even == "yes"))
        );
    }

    #[test]
    fn a_key_that_stands_twice_fills_its_record_once() {
        let mut table = Table::default();
        for _ in 0..3 {
            table.value("text", "hi");
            table.value("text", "ho");
            table.end_record();
        }
        table.value("text", "");
        table.end_record();
        assert_eq!((table.records, table.columns[0].filled), (4, 3));
    }

    #[test]
    fn objects_with_endless_keys_end() {
        let mut table = Table::default();
        for n in 0..1000 {
            table.value(&format!("k{n}"), "x");
        }
        table.end_record();
        assert!(table.more_keys);
        assert_eq!(table.columns.len(), Table::COLUMNS);
    }
}
