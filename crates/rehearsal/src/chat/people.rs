//! Who is there, what he is called, and whom everybody new is made a friend of.

use super::super::answer::{Data, Outcome, Refusal};
use super::super::body::Fields;
use super::super::group_lists::null_if_empty;
use super::super::shared::Shared;
use super::rows::{Attribute, Way, phone};
use super::wire::{body, fields, finish};
use super::{Caller, keep_im_token, login};
use crate::message::Release;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// `:10008/user/find/full`: those that are there, each once, by userID.
pub(super) fn find_full(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    find(shared, caller, "userIDs is empty", full)
}

/// `:10008/user/find/public`
pub(super) fn find_public(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    find(shared, caller, "UserIDs is empty", |id, known| {
        json!({
            "userID": id, "account": known.account, "email": known.email, "nickname": known.nickname,
            "faceURL": known.face_url, "gender": known.gender, "level": 0,
        })
    })
}

fn find(
    shared: &Shared,
    caller: &Caller<'_>,
    empty: &str,
    shown: impl Fn(&str, &Attribute) -> Value,
) -> Outcome {
    let value = body(caller.body)?;
    let of = fields(&value, "FindUserFullInfoReq")?;
    let ids: BTreeSet<&str> = of.texts("userIDs").into_iter().collect();
    finish(of)?;
    if ids.is_empty() {
        return Err(Refusal::args(empty));
    }
    let rows = shared.chat.rows();
    let users = ids.iter().filter_map(|id| rows.attributes.get(*id).map(|known| shown(id, known))).collect();
    Ok(json!({ "users": null_if_empty(users) }).into())
}

/// `:10008/user/search/full`: parts of ids, names, phones, e-mails, in any case; in the order of the store.
pub(super) fn search(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = body(caller.body)?;
    let of = fields(&value, "SearchUserFullInfoReq")?;
    let keyword = of.text("keyword").replace('\\', "").to_lowercase();
    let page = of.page()?;
    finish(of)?;
    if page.show == 0 {
        return Err(Refusal::args("showNumber is invalid"));
    }
    let rows = shared.chat.rows();
    let has = |id: &String, known: &Attribute| {
        [id, &known.account, &known.nickname, &known.phone, &known.email]
            .iter()
            .any(|text| text.to_lowercase().contains(&keyword))
    };
    let mut found: Vec<_> = rows.attributes.iter().filter(|(id, known)| has(id, known)).collect();
    found.sort_by_key(|(_, known)| known.place);
    let total = found.len();
    let users =
        found.into_iter().skip(page.skip).take(page.show).map(|(id, known)| full(id, known)).collect();
    Ok(json!({ "total": total, "users": null_if_empty(users) }).into())
}

fn full(id: &str, known: &Attribute) -> Value {
    json!({
        "userID": id, "password": "", "account": known.account, "phoneNumber": known.phone,
        "areaCode": known.area_code, "email": known.email, "nickname": known.nickname, "faceURL": known.face_url,
        "gender": known.gender, "level": 0, "birth": known.birth, "allowAddFriend": 1, "allowBeep": 1,
        "allowVibration": 1, "globalRecvMsgOpt": 0, "registerType": known.register_type,
    })
}

/// `:10008/user/update`: names and pictures, also in the IM, and ways to log in.
pub(super) fn update(shared: &Shared, caller: &Caller<'_>) -> Outcome {
    let value = body(caller.body)?;
    let of = fields(&value, "UpdateUserInfoReq")?;
    let text = |of: &Fields<'_, '_>, name| of.text_if(name).map(str::to_owned);
    let id = of.text("userID").to_owned();
    let (nickname, face_url) = (text(&of, "nickname"), text(&of, "faceURL"));
    let (account, email) = (text(&of, "account"), text(&of, "email"));
    let (area, number) = (text(&of, "areaCode"), text(&of, "phoneNumber"));
    finish(of)?;
    if id.is_empty() {
        return Err(Refusal::args("userID is empty"));
    }
    if let Some(email) = email.as_deref().filter(|email| !email.is_empty()) {
        login::check_way(email, "", "")?;
    }
    if area.is_some() != number.is_some() {
        return Err(Refusal::args("areaCode and phoneNumber must be set together"));
    }
    if !caller.admin && caller.user != id {
        return Err(Refusal::no_permission("only admin can update other user info"));
    }
    let mut rows = shared.chat.rows();
    if !rows.credentials.iter().any(|one| one.user == id) {
        return Err(Refusal::args("user not found"));
    }
    let phone = area.zip(number).map(|(area, number)| {
        let area = if area.starts_with('+') { area } else { format!("+{area}") };
        (phone(&area, &number), area, number)
    });
    let typed = [
        (Way::Phone, phone.as_ref().map(|(typed, ..)| typed.clone()), 20003, "PhoneAlreadyRegister"),
        (Way::Account, account.clone(), 20004, "AccountAlreadyRegister"),
        (Way::Email, email.clone(), 20014, "EmailAlreadyRegister"),
    ];
    let typed: Vec<_> = typed
        .into_iter()
        .filter_map(|(way, typed, code, name)| typed.filter(|t| !t.is_empty()).map(|t| (way, t, code, name)))
        .filter(|(way, typed, ..)| {
            !rows.credential(typed).is_some_and(|one| one.user == id && one.way == *way)
        })
        .collect();
    if let Some((.., code, name)) = typed.iter().find(|(_, typed, ..)| rows.credential(typed).is_some()) {
        return Err(Refusal::named(*code, name, *name));
    }
    for (way, typed, ..) in typed {
        rows.replace(&id, way, typed);
    }
    if let Some(known) = rows.attributes.get_mut(&id) {
        let given = [
            (&mut known.account, &account),
            (&mut known.email, &email),
            (&mut known.nickname, &nickname),
            (&mut known.face_url, &face_url),
        ];
        for (known, given) in given {
            if let Some(given) = given {
                known.clone_from(given);
            }
        }
        if let Some((_, area, number)) = phone {
            known.area_code = area;
            // main adds the way in and forgets the number.
            if shared.release() != Release::Main {
                known.phone = number;
            }
        }
    }
    drop(rows);
    keep_im_token(shared);
    if let Some(user) = shared.world().users.get_mut(id.as_str()) {
        if let Some(name) = nickname.filter(|name| !name.is_empty()) {
            user.nickname = name.into();
        }
        if let Some(url) = face_url.filter(|url| !url.is_empty()) {
            user.face_url = url.into();
        }
    }
    Ok(Data::Absent)
}

/// `:10009/default/…`: friends and groups of whoever is new.
pub(super) fn defaults(shared: &Shared, path: &str, caller: &Caller<'_>) -> Outcome {
    let value = body(caller.body)?;
    let of = fields(&value, "DefaultReq")?;
    let (users, groups): (Vec<_>, Vec<_>) = (of.texts("userIDs"), of.texts("groupIDs"));
    let owned = |ids: Vec<&str>| ids.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let (users, groups) = (owned(users), owned(groups));
    finish(of)?;
    let mut rows = shared.chat.rows();
    let listed = |ids: &[String]| null_if_empty(ids.iter().map(|id| json!(id)).collect());
    let (list, ids, name) = if path.starts_with("/default/user/") {
        (&mut rows.default_friends, users, "userIDs")
    } else {
        (&mut rows.default_groups, groups, "groupIDs")
    };
    match path.rsplit('/').next() {
        Some("add") => list.extend(ids),
        Some("del") => list.retain(|id| !ids.contains(id)),
        _ => return Ok(json!({ name: listed(list) }).into()),
    }
    Ok(Data::Absent)
}
