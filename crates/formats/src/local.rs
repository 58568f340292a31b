//! Local times become times, where the settings say in which zone they are.

use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::codes;
use super::compose::refuse;
use crate::mapping::Sink;
use crate::mapping::codes as mapping_codes;
use crate::message::{Place, SendTime};

/// The zone of local times, if the settings name it. There is no default: a guess would move a whole history.
#[derive(Debug, Clone)]
pub(super) struct Local(Option<TimeZone>);

impl Local {
    /// Reads the name of a zone, `Europe/Berlin`, or an offset, `+08:00`.
    pub(super) fn new(zone: Option<&str>) -> Result<Self, String> {
        let parse = |zone| {
            DateTimeParser::new().parse_time_zone(zone).map_err(|_| {
                format!(
                    "`{zone}` is no zone: use a name such as `Asia/Shanghai`, or an offset such as `+08:00`"
                )
            })
        };
        zone.map(parse).transpose().map(Self)
    }

    /// The time; a finding where it is in doubt, or where the zone is missing.
    pub(super) fn time(&self, local: DateTime, place: Place, sink: &mut dyn Sink) -> Option<SendTime> {
        let Some(zone) = &self.0 else {
            refuse(sink, &codes::ZONE_MISSING, place, &local.to_string());
            return None;
        };
        let time = zone.to_ambiguous_timestamp(local);
        let doubt = match time.offset() {
            AmbiguousOffset::Unambiguous { .. } => None,
            AmbiguousOffset::Fold { .. } => Some(&mapping_codes::TIME_AMBIGUOUS),
            AmbiguousOffset::Gap { .. } => Some(&mapping_codes::TIME_SKIPPED),
        };
        if let Some(code) = doubt {
            refuse(sink, code, place, &local.to_string());
        }
        if let Ok(time) = time.compatible() {
            return Some(SendTime(time.as_millisecond()));
        }
        refuse(sink, &codes::TIME_INVALID, place, &local.to_string());
        None
    }
}
