//! An offer in a session that is there already (RFC 3264 §8): what it must keep of the description before.

use super::browser;
use super::negotiate::{audio, refused, session};
use super::{Codec, LocalMedia, MediaDescription, MediaKind, PayloadType, SessionDescription};

/// An offer of one audio stream that follows `previous`, our own last description of the session: the m-lines stay in their
/// places, those that are refused stay refused, and a payload type keeps its codec. Its version is still to be set, by
/// [`SessionDescription::follow`].
#[must_use]
pub fn reoffer(previous: &SessionDescription, local: &LocalMedia<'_>) -> SessionDescription {
    let at = previous.media.iter().position(|media| media.kind == MediaKind::Audio && media.port != 0);
    let Some(at) = at else { return super::offer(local) };
    let codecs = numbered(&previous.media[at].codecs, local.codecs);
    let audio = audio(local, previous.media[at].protocol.clone(), codecs, local.direction);
    // RFC 3264 §8: an offer has at least as many m-lines as the description before, each in its place.
    let mut media: Vec<MediaDescription> = previous.media.iter().map(refused).collect();
    media[at] = audio;
    let mut offer = session(local, media);
    if let Some(browser) = &local.browser {
        browser::complete(&mut offer, at, browser, browser.setup, Some(previous));
    }
    offer
}

/// RFC 3264 §8.3.2: "the mapping from a particular dynamic payload type number to a particular codec within that media stream
/// MUST NOT change for the duration of a session". `previous` are the codecs as they were described before, if they were.
pub(super) fn numbered(previous: &[Codec], codecs: &[Codec]) -> Vec<Codec> {
    let mut numbered: Vec<Codec> = Vec::with_capacity(codecs.len());
    for codec in codecs {
        let known = previous.iter().find(|before| before.is_same_format(codec));
        let payload_type = match known {
            Some(before) => before.payload_type,
            None if is_free(codec.payload_type, previous, &numbered) => codec.payload_type,
            None => match DYNAMIC.filter_map(PayloadType::new).find(|free| is_free(*free, previous, &numbered)) {
                Some(free) => free,
                // Every number is taken: the codec is not offered.
                None => continue,
            },
        };
        numbered.push(Codec { payload_type, ..codec.clone() });
    }
    numbered
}

fn is_free(payload_type: PayloadType, previous: &[Codec], taken: &[Codec]) -> bool {
    previous.iter().chain(taken).all(|codec| codec.payload_type != payload_type)
}

/// RFC 3551 §3.
const DYNAMIC: std::ops::RangeInclusive<u8> = 96..=127;
