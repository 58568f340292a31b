//! Groups and their members.

use super::answer::{Outcome, Refusal};
use super::api::Caller;
use super::body::{Fields, parse};
use super::shared::Shared;
use super::world::{Group, GroupStatus};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// From so many members on a group can't be created in one call (899 worked, 1,199 were refused).
const TOO_MANY: usize = 1000;

/// `/group/create_group`
pub(super) fn create(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = parse(caller.body)?;
    let fields = Fields::of(&value, "CreateGroupReq", "group.CreateGroupReq")?;
    let (members, admins) = (fields.texts("memberUserIDs"), fields.texts("adminUserIDs"));
    let owner = fields.text("ownerUserID");
    let null = super::json::Value::Null;
    let info = fields.object("groupInfo", "sdkws.GroupInfo").unwrap_or(&null);
    fields.finish()?;
    let info = Fields::of(info, "CreateGroupReq.groupInfo", "sdkws.GroupInfo")?;
    let (id, name, kind) = (info.text("groupID"), info.text("groupName"), info.int32("groupType"));
    info.finish()?;
    if kind != 2 {
        return Err(Refusal::args("groupType is error"));
    }
    if owner.is_empty() {
        return Err(Refusal::args("ownerUserID is empty"));
    }
    let all: Vec<&str> =
        std::iter::once(owner).chain(admins.iter().copied()).chain(members.iter().copied()).collect();
    let mut once = HashSet::new();
    if !all.iter().all(|id| once.insert(*id)) {
        return Err(Refusal::args("group member repeated"));
    }
    if all.len() > TOO_MANY {
        return Err(Refusal::args("too many members"));
    }
    let now = shared.now();
    let mut world = shared.world();
    if !shared.auto_users() && !all.iter().all(|id| world.users.contains_key(*id)) {
        return Err(Refusal::named(1101, "UserIDNotFoundError", "user not found"));
    }
    if world.groups.contains_key(id) {
        return Err(Refusal::named(1202, "GroupIDExisted", format!("group id existed {id}")));
    }
    let mut group = Group {
        name: name.into(),
        owner: world.name(owner),
        created: now,
        status: GroupStatus::Open,
        kind,
        members: HashMap::new(),
    };
    for (n, user) in all.iter().enumerate() {
        let role = if n == 0 {
            100
        } else if n <= admins.len() {
            60
        } else {
            20
        };
        group.join(world.name(user), role, now);
    }
    // One more than there are: the real server counts the owner twice here.
    let mut answer = info_of(id, &group);
    answer["memberCount"] = json!(group.members.len() + 1);
    world.groups.insert(id.into(), group);
    Ok(json!({ "groupInfo": answer }).into())
}

fn info_of(id: &str, group: &Group) -> Value {
    json!({
        "groupID": id, "groupName": group.name, "notification": "", "introduction": "", "faceURL": "",
        "ownerUserID": group.owner.as_ref(), "createTime": group.created, "memberCount": group.members.len(),
        "ex": "", "status": match group.status { GroupStatus::Open => 0, GroupStatus::Dismissed => 2, GroupStatus::Muted => 3 },
        "creatorUserID": "", "groupType": group.kind, "needVerification": 0, "lookMemberInfo": 0,
        "applyMemberFriend": 0, "notificationUpdateTime": 0, "notificationUserID": "",
    })
}
