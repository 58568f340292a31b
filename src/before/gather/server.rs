//! Who answers: an OpenIM, for an admin, of which release, with what clock and settings.

use std::time::Duration;

use crate::openim::CallError;

use super::super::ask::Ask;
use super::super::facts::Facts;
use super::super::settings::FILES;
use super::{Looks, now_ms, soften};

pub(super) async fn look(ask: &Ask, looks: &Looks<'_>, facts: &mut Facts) -> Result<(), CallError> {
    let server = &mut facts.server;
    server.release_said = looks.release;
    server.release_seen = None;
    server.clock_ahead_ms = None;
    server.renews_tokens = ask.renews_tokens();
    server.token_left = ask
        .token_expires()
        .map(|expires| Duration::from_millis(u64::try_from(expires.0.saturating_sub(now_ms())).unwrap_or(0)));
    let admin = ask.read(crate::openim::Client::log_in).await.map(|()| ask.admin_user().to_owned());
    let admin = match admin {
        Ok(admin) => admin,
        Err(CallError::NotOpenIm(what)) => {
            (server.is_openim, server.not_openim) = (false, what);
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    server.admin_user.clone_from(&admin);
    // Only an admin may ask which users exist. A token that was given to us shows here for the first time.
    let me = [admin.as_str()];
    match ask.read(|client| client.users_exist(&me)).await {
        Ok(_) => {}
        Err(CallError::Refused { code: 1002, .. }) => {
            server.is_admin = false;
            return Ok(());
        }
        Err(CallError::NotOpenIm(what)) => {
            (server.is_openim, server.not_openim) = (false, what);
            return Ok(());
        }
        Err(error) => return Err(error),
    }
    match soften(ask.read(crate::openim::Client::release).await)? {
        Ok(release) => server.release_seen = release,
        Err(why) => facts.unanswered.push(("which release it is", why)),
    }
    let before = now_ms();
    match soften(ask.read(crate::openim::Client::server_time).await)? {
        Ok(time) if time.0 > 0 => {
            server.clock_ahead_ms = Some(time.0 - i64::midpoint(before, now_ms()));
        }
        Ok(_) => facts.unanswered.push(("its clock", "the answer holds no time".to_owned())),
        Err(why) => facts.unanswered.push(("its clock", why)),
    }
    settings(ask, facts).await
}

/// 3.8.3 has no such calls (404). What stays unknown is a finding of its own.
async fn settings(ask: &Ask, facts: &mut Facts) -> Result<(), CallError> {
    let version = ask.read(crate::openim::Client::version).await;
    if matches!(version, Err(CallError::NoSuchCall(_))) {
        return Ok(());
    }
    let version = soften(version)?.ok().map(|answer| answer.version);
    facts.server.version = version.filter(|version| !version.is_empty());
    for file in FILES {
        if let Ok(config) = soften(ask.read(|client| client.config(file)).await)? {
            facts.settings.read(file, &config.0);
        }
    }
    Ok(())
}
