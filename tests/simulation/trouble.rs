//! What goes wrong in a life: faults of the server, its weather, and when a process is killed.

use std::time::Duration;

use openim_importer::rehearsal::{Fault, FaultKind, UserAct, When};
use tokio::time::sleep;

use super::dice::Dice;
use super::network::Network;

/// What goes wrong, at random: most lives meet few kinds of it.
pub(super) fn faults(dice: &Dice) -> Vec<Fault> {
    let call = |kind, chance| fault(kind, chance, Some("/msg/send_msg"));
    let any = |kind, chance| fault(kind, chance, Some("*"));
    let batch = |kind, chance| fault(kind, chance, None);
    let down = 50 + dice.below(3_000);
    let kill = dice.per_mille(500);
    let all = [
        call(FaultKind::LoseAnswer, 0.03),
        any(FaultKind::CloseBeforeBody, 0.02),
        any(FaultKind::CloseAfterBody, 0.02),
        call(FaultKind::ProxyError { status: 502, processed: true }, 0.02),
        any(FaultKind::ProxyError { status: 503, processed: false }, 0.02),
        any(FaultKind::TooMany { retry_after: 1 }, 0.02),
        call(FaultKind::Error500, 0.02),
        any(FaultKind::ExpireToken, 0.005),
        call(FaultKind::Restart { down_ms: down, kill }, 0.01),
        batch(FaultKind::LoseQueue, 0.04),
        batch(FaultKind::RepeatQueue { last: 20 }, 0.05),
        batch(FaultKind::JumpSeq { by: dice.one_of([17, 70]) }, 0.05),
        batch(FaultKind::ReadGap { ms: 300 }, 0.1),
        batch(FaultKind::LiveTraffic { per_second: 1.0 }, 1.0),
        batch(FaultKind::UsersAct { act: UserAct::Delete, per_second: 20.0 }, 1.0),
    ];
    // Of what users revoke or clear the judge knows nothing: that is the chaos suite's.
    all.into_iter().filter(|_| dice.per_mille(150)).collect()
}

/// A fault that strikes with that chance: at calls of `path`, else at batches or all the time.
fn fault(kind: FaultKind, chance: f64, path: Option<&str>) -> Fault {
    let path = path.map(str::to_owned);
    Fault { kind, when: When { after: 0, every: 1, chance, times: None, path, conversation: None } }
}

/// Whether what a fault takes is told: the call was not processed, and whoever made it knows.
pub(super) fn is_told(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::ExpireToken | FaultKind::TooMany { .. } | FaultKind::UsersAct { .. })
}

/// When a process is killed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kill {
    /// After so many actions.
    After(u64),
    /// With that call of a path.
    At(&'static str, u64),
}

impl Kill {
    pub(super) fn draw(dice: &Dice, messages: u64) -> Self {
        const RARE: [&str; 3] = ["/msg/delete_msg_phsical_by_seq", "/msg/search_msg", "/msg/pull_msg_by_seq"];
        if dice.per_mille(250) {
            Self::At(dice.one_of(RARE), dice.few(4))
        } else {
            Self::After(dice.few(20 + 5 * messages))
        }
    }
}

/// For seconds the server stands still, for a part of its conversations or for all, or is slow, or people write a lot; then
/// all is as before.
pub(super) async fn weather(network: Network, seed: u64) {
    let dice = Dice::new(seed);
    loop {
        sleep(Duration::from_millis(dice.below(6_000))).await;
        let kind = match dice.below(10) {
            0..5 => FaultKind::Stall { of: 1 + dice.below(3) },
            5..7 => FaultKind::Slow { by: dice.one_of([5.0, 40.0]) },
            _ => FaultKind::LiveTraffic { per_second: 5.0 },
        };
        network.say(|| format!("{kind:?}"));
        let id = network.server().fault(fault(kind, 1.0, None));
        sleep(Duration::from_millis(dice.below(20_000))).await;
        network.say(|| "as before".to_owned());
        network.server().no_fault(Some(id));
    }
}
