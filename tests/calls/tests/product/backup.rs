//! A backup is taken while calls are made and settings change, and is put into another server.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use calls::api::Api;
use calls::party::{talk, up, wait_for_packets};
use calls::sipp::Sipp;
use calls::switchboard::{PASSWORD, Setup, Switchboard};
use calls::wait;
use serde_json::{Value, json};

/// Blocks numbers, one after the other, until told to stop; the numbers that were confirmed.
fn write(api: &Api, stop: &AtomicBool, confirmed: &std::sync::Mutex<Vec<String>>) -> Result<()> {
    for n in 0_u32.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let number = format!("+86139{n:08}");
        let answer = api.post("blocks", &json!({"side": "caller", "number": number}))?;
        ensure!(answer.status == 201, "{} {}", answer.status, answer.json());
        confirmed.lock().expect("nobody panics with it").push(number);
    }
    Ok(())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn ids(items: &[Value]) -> BTreeSet<String> {
    items.iter().map(|item| text(&item["id"])).collect()
}

/// No row without its file.
fn check_files(new: &Api, first: &str) -> Result<()> {
    let mut recordings = Vec::new();
    for record in new.list("call-records")? {
        let record = new.get(&format!("call-records/{}", text(&record["id"])))?;
        recordings.extend(record["recordings"].as_array().cloned().unwrap_or_default());
    }
    ensure!(recordings.iter().any(|recording| recording["call_id"] == first), "{recordings:?}");
    for recording in recordings.iter().filter(|recording| recording["state"] == "ready") {
        let audio = new.fetch(&format!("recordings/{}/audio", text(&recording["id"])), None)?;
        let length = u64::try_from(audio.body.len())?;
        ensure!(audio.status == 200 && recording["bytes"] == length, "{recording}: {} {length}", audio.status);
    }
    Ok(())
}

#[test]
fn a_backup_taken_under_writes_is_an_installation_that_goes_on() -> Result<()> {
    let server = Switchboard::start()?;
    let mut call = up(&server)?;
    talk(&mut call, 3.0)?;
    wait_for_packets(&call.alice.media, 75)?;
    call.alice.phone.hang_up(&mut call.calling)?;
    let first = text(&server.ended_calls(1)?[0]["id"]);
    server.recorded_call(&first)?;
    drop(call);

    let folder = tempfile::tempdir()?;
    let to = folder.path().join("backup");
    let called = Sipp::scenario(server.ports(), "answer")?.as_user("1002", PASSWORD).calls(40, 5);
    let register = Sipp::scenario(server.ports(), "register")?.to(server.sip()).as_user("1002", PASSWORD);
    register.at(called.local()).play(server.folder())?;
    let called = called.start(server.folder())?;
    let caller = Sipp::scenario(server.ports(), "call")?.to(server.sip()).as_user("1001", PASSWORD).dialling("1002");
    let caller = caller.calls(40, 5).start(server.folder())?;
    let (stop, confirmed, api) = (AtomicBool::new(false), std::sync::Mutex::default(), server.api()?);
    let before = std::thread::scope(|scope| -> Result<_> {
        let writer = scope.spawn(|| write(&api, &stop, &confirmed));
        let backed_up = (|| {
            wait::until("settings and calls to be written", Duration::from_secs(20), || {
                let records = server.api()?.list("call-records")?.len();
                let settings = confirmed.lock().expect("nobody panics with it").len();
                Ok((settings >= 5 && records >= 8).then_some(()))
            })?;
            let ended = server.api()?.list("call-records")?.into_iter().filter(|record| !record["ended_at"].is_null());
            let before = (confirmed.lock().expect("nobody panics with it").clone(), ended.collect::<Vec<_>>());
            server.command(&["backup", "--to", &to.display().to_string()])?;
            Ok(before)
        })();
        stop.store(true, Ordering::SeqCst);
        writer.join().expect("the writer does not panic")?;
        backed_up
    })?;
    caller.finish()?;
    called.finish()?;
    server.ended_calls(41)?;
    let (blocked_before, ended_before) = before;
    let blocked = confirmed.into_inner()?;

    let restored = Switchboard::start_with(Setup { restored: Some(to), ..Setup::default() })?;
    let (old, new) = (server.api()?, restored.api()?);
    // Settings: all that were confirmed before it began, none that never were, each once.
    let kept: Vec<String> = new.list("blocks")?.iter().map(|block| text(&block["number"])).collect();
    ensure!(kept.iter().collect::<BTreeSet<_>>().len() == kept.len(), "one is there twice: {kept:?}");
    ensure!(blocked_before.iter().all(|number| kept.contains(number)), "{blocked_before:?} are not all in {kept:?}");
    // One more may have been on its way to the client.
    ensure!(kept.len() <= blocked.len() + 1 && kept[..kept.len() - 1].iter().all(|number| blocked.contains(number)));
    // Facts: the same up to the backup; then come those that close what was open.
    let (then, now) = (old.events()?, new.events()?);
    let common = then.iter().zip(&now).take_while(|(then, now)| then == now).count();
    ensure!(common > 20 && common < then.len(), "{common} facts of {} are the same", then.len());
    let of_calls = |facts: &[Value]| -> BTreeSet<String> {
        let created = facts.iter().filter(|fact| text(&fact["type"]).ends_with("call.created"));
        created.map(|fact| text(&fact["data"]["call"])).collect()
    };
    let created = of_calls(&now);
    ensure!(!created.is_empty() && created == of_calls(&then[..common]), "a call came from nowhere");
    // Records: one a call, whatever the database had read of the journal when it was copied.
    let records = restored.ended_calls(created.len())?;
    ensure!(records.len() == created.len() && ids(&records) == created, "{records:?}");
    for record in &ended_before {
        let same = records.iter().find(|other| other["id"] == record["id"]);
        ensure!(same == Some(record), "{record} became {same:?}");
    }
    check_files(&new, &first)?;
    // And it goes on: phones have their passwords.
    let mut call = up(&restored)?;
    call.alice.phone.hang_up(&mut call.calling)?;
    ensure!(restored.ended_calls(created.len() + 1)?.len() == created.len() + 1);
    Ok(())
}
