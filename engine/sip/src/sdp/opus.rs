//! What a peer says of the Opus that it receives (RFC 7587 §6.1).

use serde::{Deserialize, Serialize};

use super::{Codec, Encoding};

/// Limits out of `a=fmtp`; nothing where nothing is said, or nothing that makes sense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpusLimits {
    /// `maxaveragebitrate`: the most bit/s in the average, 6000 to 510000.
    pub bits_per_second_max: Option<u32>,
    /// `maxplaybackrate`: the highest sampling rate that the peer plays, 8000 to 48000 Hz.
    pub playback_hz_max: Option<u32>,
}

impl OpusLimits {
    /// Those of a codec; none where it is not Opus.
    #[must_use]
    pub fn of(codec: &Codec) -> Self {
        let mut limits = Self::default();
        let parameters = codec.fmtp.as_deref().filter(|_| codec.encoding == Encoding::Opus).unwrap_or_default();
        for parameter in parameters.split(';') {
            let Some((name, value)) = parameter.split_once('=') else { continue };
            let number = value.trim().parse::<u32>().ok();
            match name.trim().to_ascii_lowercase().as_str() {
                "maxaveragebitrate" => {
                    limits.bits_per_second_max = number.filter(|bits| (6_000..=510_000).contains(bits));
                }
                "maxplaybackrate" => limits.playback_hz_max = number.filter(|hz| (8_000..=48_000).contains(hz)),
                _ => {}
            }
        }
        limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::PayloadType;

    fn limits(fmtp: &str) -> (Option<u32>, Option<u32>) {
        let opus = Codec::opus(PayloadType::new(111).expect("below 128"));
        let limits = OpusLimits::of(&Codec { fmtp: Some(fmtp.to_owned()), ..opus });
        (limits.bits_per_second_max, limits.playback_hz_max)
    }

    #[test]
    fn limits_are_read_in_any_order_and_case() {
        assert_eq!(limits("minptime=10;useinbandfec=1"), (None, None));
        assert_eq!(limits("maxplaybackrate=16000; MaxAverageBitrate=20000;stereo=0"), (Some(20_000), Some(16_000)));
        assert_eq!(limits("maxplaybackrate=16000;maxplaybackrate=8000"), (None, Some(8_000)));
    }

    #[test]
    fn what_makes_no_sense_is_no_limit() {
        for fmtp in
            ["", ";;=", "maxaveragebitrate=5999;maxplaybackrate=7999", "maxaveragebitrate=510001", "maxplaybackrate=x"]
        {
            assert_eq!(limits(fmtp), (None, None), "{fmtp}");
        }
        let other = Codec { fmtp: Some("maxplaybackrate=8000".to_owned()), ..Codec::pcma() };
        assert_eq!(OpusLimits::of(&other), OpusLimits::default());
    }
}
