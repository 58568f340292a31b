//! Columns that name what rooms stand in: `general` of two servers is two rooms, and everybody in either would read both.

use super::relate::{determines, distinct, is_full};
use super::roles::Roles;
use crate::table::Table;

/// They hold rooms, and nothing else.
const OF_ROOMS: &str = "tenant workspace guild realm 租户 工作区 服务器";

/// They hold rooms or people: what follows from the writer says where he belongs.
const OF_ROOMS_OR_PEOPLE: &str = "server instance network team org organization organisation company account project site \
     community space domain customer client app brand school course class building 公司 项目 组织 团队";

/// A column around the rooms of `column`, which this one alone does not tell apart.
pub(super) fn around(table: &Table, roles: &Roles, column: usize) -> Option<usize> {
    let rooms = table.series(column);
    let sender = roles.sender.map(|at| table.series(at)).unwrap_or_default();
    (0..table.columns.len()).filter(|at| *at != column).find(|at| {
        let name = stem(&table.columns[*at].name);
        let is_of = |words: &str| words.split_whitespace().any(|word| word == name);
        if !is_of(OF_ROOMS) && !is_of(OF_ROOMS_OR_PEOPLE) {
            return false;
        }
        let values = table.series(*at);
        distinct(&values) > 1
            && is_full(&values)
            && !determines(&rooms, &values)
            && (is_of(OF_ROOMS) || !determines(&sender, &values))
    })
}

/// `tenantId`, `tenant_name`, `channel.tenant.id` and, as a key with a blank is written, `"Tenant Id"` are called `tenant`.
fn stem(name: &str) -> String {
    let name = name.replace('"', "").to_lowercase();
    let mut steps: Vec<&str> = name.split(['.', '_', '-', ' ']).filter(|step| !step.is_empty()).collect();
    while steps.len() > 1
        && ["id", "name", "key", "slug", "uuid", "title"].contains(steps.last().unwrap_or(&""))
    {
        steps.pop();
    }
    let last = steps.pop().unwrap_or_default();
    ["id", "name", "key"].iter().find_map(|end| last.strip_suffix(end)).unwrap_or(last).to_owned()
}
