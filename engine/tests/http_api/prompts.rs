//! Prompts: uploaded, heard, replaced, deleted.

use std::f64::consts::TAU;

use axum::http::StatusCode;
use dialplan::say::{Language, Part, Repeat};
use media::Prompt;
use serde_json::json;

use crate::fixture::{Fixture, default_tenant, other_tenant};

/// A WAV file of one pitch at 16 kHz.
pub(crate) fn wav(hz: f64, seconds: f64) -> Vec<u8> {
    let samples = (0..(16_000.0 * seconds) as u32)
        .flat_map(|i| ((8_000.0 * (f64::from(i) * hz * TAU / 16_000.0).sin()) as i16).to_le_bytes());
    let data: Vec<u8> = samples.collect();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

/// How long what is played for a prompt is, in ms; `None` where nothing is.
fn played(fixture: &Fixture, name: &str) -> Option<usize> {
    let parts = [Part::Prompt(name.parse().unwrap())];
    let playlist = fixture.prompts.playlist(&default_tenant(), Language::En, &parts, Repeat::Once);
    playlist.prompts.first().map(|prompt| match prompt {
        Prompt::Clip(clip) => clip.samples.len() / 16,
        other => panic!("{other:?}"),
    })
}

#[tokio::test]
async fn an_upload_is_heard_at_once_in_place_of_the_default_until_it_is_deleted() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let default_ms = played(&fixture, "queue_welcome").unwrap();
    let made = admin.upload("POST", "/prompts?language=en&name=queue_welcome", &wav(500.0, 1.0)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", String::from_utf8_lossy(&made.bytes));
    assert_eq!(made.json()["duration_ms"], 1_000);
    assert_eq!(played(&fixture, "queue_welcome"), Some(1_000));

    let heard = admin.get("/prompts/en.queue_welcome/audio").await;
    assert_eq!((heard.status, heard.header("content-type")), (StatusCode::OK, "audio/wav"));
    assert_eq!((&heard.bytes[..4], heard.bytes.len()), (&b"RIFF"[..], 44 + 96_000));
    let part = fixture.admin().await.with("range", "bytes=4-7").get("/prompts/en.queue_welcome/audio").await;
    assert_eq!((part.status, &part.bytes[..]), (StatusCode::PARTIAL_CONTENT, &heard.bytes[4..8]));

    let replaced = admin.upload("PUT", "/prompts/en.queue_welcome/audio", &wav(700.0, 0.5)).await;
    assert_eq!(replaced.status, StatusCode::OK, "{}", String::from_utf8_lossy(&replaced.bytes));
    assert_eq!(played(&fixture, "queue_welcome"), Some(500));
    let files = || std::fs::read_dir(fixture.folder.path().join("prompts/default")).unwrap().count();
    assert_eq!(files(), 3, "one sound at three rates");

    let changed = admin.patch("/prompts/en.queue_welcome", json!({"description": "Ann, 2026"})).await;
    assert_eq!(changed.json()["description"], "Ann, 2026");
    assert_eq!(admin.get("/prompts").await.json()["items"][0]["id"], "en.queue_welcome");
    assert_eq!(admin.delete("/prompts/en.queue_welcome").await.status, StatusCode::NO_CONTENT);
    assert_eq!((played(&fixture, "queue_welcome"), files()), (Some(default_ms), 0));
    let audit = admin.get("/audit?resource=prompt").await.json();
    let actions: Vec<&str> =
        audit["items"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["deleted", "updated", "updated", "created"]);
}

#[tokio::test]
async fn what_is_no_prompt_is_refused_with_its_reason_and_leaves_nothing() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let refused = [
        ("/prompts?language=fr&name=x", wav(500.0, 1.0), StatusCode::UNPROCESSABLE_ENTITY, "a language is zh-CN or en"),
        ("/prompts?language=en&name=A%20b", wav(500.0, 1.0), StatusCode::UNPROCESSABLE_ENTITY, "a prompt's name is"),
        ("/prompts?language=en&name=x", b"hello".to_vec(), StatusCode::UNPROCESSABLE_ENTITY, "neither WAV"),
        ("/prompts?language=en&name=x", wav(500.0, 0.05), StatusCode::UNPROCESSABLE_ENTITY, "shorter than 100 ms"),
        ("/prompts?language=en&name=x", vec![0; (24 << 20) + 1], StatusCode::PAYLOAD_TOO_LARGE, "24 MiB"),
    ];
    for (path, file, status, reason) in refused {
        let answer = admin.upload("POST", path, &file).await;
        let said = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert_eq!(answer.status, status, "{said}");
        assert!(said.contains(reason), "{said}");
    }
    let made = "/prompts?language=en&name=x";
    assert_eq!(admin.upload("POST", made, &wav(500.0, 0.3)).await.status, StatusCode::CREATED);
    assert_eq!(admin.upload("POST", made, &wav(500.0, 0.3)).await.status, StatusCode::CONFLICT);
    assert_eq!(std::fs::read_dir(fixture.folder.path().join("prompts/default")).unwrap().count(), 3);
    let stranger = fixture.token(&other_tenant(), &["*"]).await;
    let stranger = fixture.client().with("authorization", &format!("Bearer {stranger}"));
    assert_eq!(stranger.get("/prompts/en.x/audio").await.status, StatusCode::NOT_FOUND);
}

/// Proves IVR-04.
#[tokio::test]
async fn wav_and_mp3_are_kept_as_wav_of_8_and_16_khz() {
    let mp3 = include_bytes!("../data/tone-1khz.mp3").to_vec();
    for (file, ms) in [(wav(1_000.0, 0.5), 500), (mp3, 0)] {
        let fixture = Fixture::new().await;
        let admin = fixture.admin().await;
        let made = admin.upload("POST", "/prompts?language=en&name=ivr_welcome", &file).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", String::from_utf8_lossy(&made.bytes));
        let told_ms = made.json()["duration_ms"].as_u64().unwrap();
        assert!(if ms == 0 { told_ms > 100 } else { told_ms == ms }, "{told_ms} ms");
        let folder = fixture.folder.path().join("prompts/default");
        let mut rates = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let kept = std::fs::read(entry.unwrap().path()).unwrap();
            assert_eq!((&kept[..4], &kept[8..16]), (&b"RIFF"[..], &b"WAVEfmt "[..]));
            let rate = u32::from_le_bytes(kept[24..28].try_into().unwrap());
            // 16 bits, one channel: as long as it was.
            let kept_ms = (kept.len() - 44) as u64 * 1_000 / (2 * u64::from(rate));
            assert!(kept_ms.abs_diff(told_ms) <= 1, "{kept_ms} ms at {rate} Hz of {told_ms} ms");
            rates.push(rate);
        }
        rates.sort_unstable();
        assert!(rates.contains(&8_000) && rates.contains(&16_000), "{rates:?}");
    }
}
