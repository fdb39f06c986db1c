//! Our G.722 against `ezk-g722`, bit by bit. Here and not in `media`, as that crate draws in tokio.

use ezk_g722::libg722::{Bitrate, decoder, encoder};
use media::codec::g722::{G722Decoder, G722Encoder};
use media::codec::{Decoder, Encoder};

/// Speech-like: three swept sines under an envelope, then noise at full scale.
fn signal() -> Vec<i16> {
    let mut noise = 1u32;
    (0..64_000u32)
        .map(|i| {
            let t = f64::from(i) / 16_000.0;
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let voice = [210.0, 730.0, 3_900.0].iter().map(|f| (t * f * (1.0 + t / 4.0) * std::f64::consts::TAU).sin());
            if t < 3.0 { (voice.sum::<f64>() * 9_000.0 * (t * 5.0).sin()) as i16 } else { (noise >> 16) as i16 }
        })
        .collect()
}

fn assert_same<T: PartialEq + std::fmt::Debug>(ours: &[T], theirs: &[T]) {
    assert_eq!(ours.len(), theirs.len());
    let first = ours.iter().zip(theirs).position(|(one, other)| one != other);
    assert_eq!(first, None, "first difference: {:?}", first.map(|at| (&ours[at..at + 1], &theirs[at..at + 1])));
}

/// Signal to noise in dB of decoded bytes, over the QMF's delay of 22 samples.
fn snr(signal: &[i16], coded: &[u8]) -> f64 {
    let decoded = decoder::Decoder::new(Bitrate::Mode1_64000, false, false).decode(coded);
    let (mut power, mut noise) = (0.0, 0.0);
    for (wanted, got) in signal.iter().zip(&decoded[22..]) {
        power += f64::from(*wanted).powi(2);
        noise += (f64::from(*wanted) - f64::from(*got)).powi(2);
    }
    10.0 * (power / noise).log10()
}

/// Not bit by bit: `ezk-g722` begins with scale factors of 0, not the 32 and 8 of G.722 table 10, and so goes another way.
#[test]
fn coded_bytes_sound_as_good_as_those_of_another_implementation() {
    let signal = &signal()[..48_000];
    let mut coded = Vec::new();
    let mut encoder_here = G722Encoder::default();
    for frame in signal.chunks(320) {
        encoder_here.encode(frame, &mut coded);
    }
    let ours = snr(signal, &coded);
    let theirs = snr(signal, &encoder::Encoder::new(Bitrate::Mode1_64000, false, false).encode(signal));
    assert!(ours > 20.0 && ours > theirs - 0.2, "{ours} dB against {theirs}");

    let mut silence = Vec::new();
    G722Encoder::default().encode(&[0; 320], &mut silence);
    assert_eq!(silence[0], 0xFA, "the idle code of an encoder just reset");
}

#[test]
fn any_bytes_decode_as_in_another_implementation() {
    let mut state = 7u32;
    let bytes: Vec<u8> = (0..100_000)
        .map(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Stretches of extreme codes drive the predictors to their limits.
            if i == 0 {
                // The one code that hides that `ezk-g722` begins with scale factors of 0.
                return 0xFD;
            }
            if i % 4_000 < 500 { [0x04, 0x20, 0x84, 0xA0][i / 1_000 % 4] } else { (state >> 24) as u8 }
        })
        .collect();
    let mut decoded = Vec::new();
    G722Decoder::default().decode(&bytes, &mut decoded);
    assert_same(&decoded, &decoder::Decoder::new(Bitrate::Mode1_64000, false, false).decode(&bytes));
}
