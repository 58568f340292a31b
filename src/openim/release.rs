//! Which release answers, told without sending anything.

use serde::Serialize;

use super::client::Client;
use super::error::CallError;
use crate::message::Release;

impl Client {
    /// The release that the shape of an answer gives away; `None` where it is neither's.
    ///
    /// No call says so (contract, section 5). Asked about no users at all, 3.8.3 refuses with 1001 and main
    /// answers with nothing: both were recorded, and nothing is touched. The call needs an admin's token like
    /// any other about users: for somebody else's it is refused with 1002.
    pub async fn release(&self) -> Result<Option<Release>, CallError> {
        #[derive(Serialize)]
        struct Nobody {
            #[serde(rename = "checkUserIDs")]
            users: [&'static str; 0],
        }
        match self.tell("/user/account_check", &Nobody { users: [] }).await {
            Ok(()) => Ok(Some(Release::Main)),
            Err(CallError::Refused { code: 1001, .. }) => Ok(Some(Release::V3_8_3)),
            // Another refusal says something about us, not about the release.
            Err(CallError::Refused { code, .. }) if code != 1002 => Ok(None),
            Err(error) => Err(error),
        }
    }
}
