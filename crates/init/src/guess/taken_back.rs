//! Messages that their writers took back, or somebody deleted, and that the export still has: nobody is to read them anew.

use super::roles::LEAST;
use super::{Guess, LeaveOut, records};
use crate::names::{Role, fits, words};
use crate::rule::Condition;
use crate::table::Table;
use crate::values::Column;

/// Leaves them out, where a flag, a time or a state says so; where it says so of all, it is asked what that means.
pub(super) fn taken_back(table: &Table, guess: &mut Guess) {
    for (at, column) in table.columns.iter().enumerate() {
        let Some((condition, count)) =
            by_flag(column).or_else(|| by_time(table, at)).or_else(|| by_state(column))
        else {
            continue;
        };
        if count == Some(table.records) {
            guess.notes.push(format!(
                "by `{}` all messages were taken back; they are sent all the same, unless [[mapping.leave_out]] says otherwise",
                column.name
            ));
            continue;
        }
        let those = count.map_or_else(|| "records".to_owned(), records);
        let note = format!("{those} that were taken back or deleted, by `{}`", column.name);
        guess.notes.push(format!("left out: {note}; take [[mapping.leave_out]] out to send them"));
        guess.leave_out.push(LeaveOut { column: column.name.clone(), condition, reason: "taken-back", note });
    }
}

/// Leaves out what its writer never sent, or nobody received: a draft, what was to be sent later, what failed.
pub(super) fn never_sent(table: &Table, guess: &mut Guess) {
    const STATES: &str = "draft drafts scheduled failed send_failed sending_failed 草稿 发送失败 entwurf borrador brouillon черновик";
    let is_state = |value: &str| STATES.split_whitespace().any(|state| state == value.to_lowercase());
    for column in &table.columns {
        let name = words(&column.name).concat();
        let flag = is_state(name.strip_prefix("is").unwrap_or(&name)) && column.is_flags();
        let state = fits(&column.name, Role::State) >= 100 || fits(&column.name, Role::Type) >= LEAST;
        let Some(few) = column.few.as_ref().filter(|_| flag || state) else { continue };
        let is = |value: &str| if flag { !is_no(value) } else { is_state(value) };
        let Some((condition, Some(count))) = taken(few.iter().filter(|(value, _)| is(value))) else {
            continue;
        };
        if count < table.records {
            let note = format!("{} that were never sent, by `{}`", records(count), column.name);
            guess.notes.push(format!("left out: {note}; take [[mapping.leave_out]] out to send them"));
            guess.leave_out.push(LeaveOut {
                column: column.name.clone(),
                condition,
                reason: "not-sent",
                note,
            });
        }
    }
}

/// What is left out, and how many that are, where it is known.
type TakenBack = (Condition, Option<u64>);

fn is_named(column: &Column) -> bool {
    fits(&column.name, Role::TakenBack) >= 100
}

/// Whether a flag says no.
pub(super) fn is_no(value: &str) -> bool {
    ["0", "false", "f", "no", "n", "否", "off"].contains(&value.to_lowercase().as_str())
}

/// `is_deleted`: 1, `true`, `yes`.
fn by_flag(column: &Column) -> Option<TakenBack> {
    let few = column.few.as_ref().filter(|_| is_named(column) && column.is_flags())?;
    taken(few.iter().filter(|(value, _)| !is_no(value)))
}

/// `deleted_at`, `deleted_by`: a time or somebody, where it was; empty or 0, where not.
fn by_time(table: &Table, at: usize) -> Option<TakenBack> {
    let column = &table.columns[at];
    let names_somebody = column.name.to_lowercase().trim_end().ends_with("by");
    let can = names_somebody || column.times.written().is_some() || column.is_numbers();
    if !is_named(column) || !can || column.filled == 0 {
        return None;
    }
    let is_zero = !names_somebody && table.series(at).contains(&"0");
    if !is_zero {
        return Some((Condition::Filled, Some(column.filled)));
    }
    let zeros = column.few.as_ref().and_then(|few| few.get("0"));
    let count = zeros.map(|zeros| column.filled.saturating_sub(*zeros));
    (column.filled == table.records && count != Some(0)).then(|| (Condition::Not("0".to_owned()), count))
}

/// `status`: `deleted`, `recalled`.
fn by_state(column: &Column) -> Option<TakenBack> {
    const STATES: &str =
        "deleted recalled revoked withdrawn retracted unsent removed 撤回 已撤回 已删除 删除";
    let few = column.few.as_ref().filter(|_| fits(&column.name, Role::State) >= 100)?;
    taken(
        few.iter().filter(|(value, _)| STATES.split_whitespace().any(|state| state == value.to_lowercase())),
    )
}

fn taken<'v>(values: impl Iterator<Item = (&'v String, &'v u64)>) -> Option<TakenBack> {
    let (values, counts): (Vec<String>, Vec<u64>) =
        values.map(|(value, count)| (value.clone(), *count)).unzip();
    (!values.is_empty()).then(|| (Condition::Is(values), Some(counts.iter().sum())))
}
