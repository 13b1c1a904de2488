//! The national data-sharing platform's checks, in front of the police and civil affairs: four values with every call
//! (requester, service, time, signature) and the platform's own codes when they are wrong.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::clock::Clock;
use super::secrets::same;
use crate::crypto::MacKey;

/// The one requester that the simulated platform knows.
pub(super) const REQUESTER: &str = "430000000001";

/// A call's time may be this far from the platform's.
pub(super) const TIME_WINDOW: Duration = Duration::from_secs(600);

/// The four values, as they arrived.
#[derive(Default)]
pub(super) struct Signed {
    pub(super) requester: String,
    pub(super) service: String,
    pub(super) time: String,
    pub(super) signature: String,
}

/// The platform's refusal: its code and text.
pub(super) type Refused = (i64, &'static str);

/// Checks requester, service and time; not the signature.
pub(super) fn check_form(call: &Signed, service: &str, clock: &Clock) -> Result<(), Refused> {
    if call.requester != REQUESTER {
        return Err((-2, "应用不存在"));
    }
    if call.service != service {
        return Err((-20, "接口未授权"));
    }
    let time: i64 = call.time.parse().map_err(|_| (1, "参数错误"))?;
    if clock.is_near(time, TIME_WINDOW) { Ok(()) } else { Err((-19, "请求时间超过10分钟")) }
}

/// True when the signature is this secret's: Base64(HMAC-SHA256(secret, sid + rid + rtime)).
pub(super) fn is_signed(call: &Signed, secret: &str) -> bool {
    let expected = sign(secret, &call.service, &call.requester, &call.time);
    same(&expected, &call.signature)
}

/// The signature of a call.
pub(super) fn sign(secret: &str, service: &str, requester: &str, time: &str) -> String {
    let parts = [service.as_bytes(), requester.as_bytes(), time.as_bytes()];
    STANDARD.encode(MacKey::new(secret.as_bytes()).mac(&parts))
}
