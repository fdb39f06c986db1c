use clap::CommandFactory as _;
use hooks::id::TenantId;

use super::*;
use crate::provision::first_start::{self, Passwords};
use crate::secrets::verify_password;

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

/// A configuration file whose data lies beside it, after a first start.
async fn installation() -> (tempfile::TempDir, PathBuf, Config) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("switchboard.toml");
    std::fs::write(&file, format!("data_dir = {:?}\n", folder.path().join("data").display().to_string())).unwrap();
    let config = Config::load(&file).unwrap();
    let store = Store::open(&config.storage).await.unwrap();
    first_start::run(&store, &config, &Passwords::Random).await.unwrap();
    store.close().await;
    (folder, file, config)
}

async fn command(file: &std::path::Path, args: &[&str]) -> Result<String, CliError> {
    let config = ["--config", file.to_str().unwrap()];
    let cli = Cli::try_parse_from(["switchboard"].iter().chain(args).chain(&config)).unwrap();
    match run(cli).await? {
        Outcome::Done(text) => Ok(text),
        Outcome::Serve(_) => Ok("serve".to_owned()),
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn a_wrong_configuration_names_file_line_and_mend_and_ends_with_2() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("broken.toml");
        std::fs::write(&file, "[sip]\nudq = \"x\"\n").unwrap();
        let error = command(&file, &["check"]).await.unwrap_err();
        let expected = format!("{}:2: there is no key `sip.udq`, did you mean `udp`?", file.display());
        assert_eq!((error.to_string(), error.exit_code()), (expected, 2));
        std::fs::write(&file, "[tls]\ncertificate = \"/no/such.pem\"\nprivate_key = \"/no/such.key\"\n").unwrap();
        let error = command(&file, &["check"]).await.unwrap_err();
        assert!(error.to_string().starts_with("tls.certificate: cannot read /no/such.pem: "), "{error}");
        let error = command(&folder.path().join("missing.toml"), &["check"]).await.unwrap_err();
        assert_eq!(error.exit_code(), 2);
    });
}

#[test]
fn each_command_says_what_came_of_it() {
    block_on(async {
        let (_folder, file, _) = installation().await;
        assert!(command(&file, &["check"]).await.unwrap().ends_with("is valid"));
        assert_eq!(command(&file, &["migrate"]).await.unwrap(), "the database schema is up to date");
        assert_eq!(command(&file, &["serve"]).await.unwrap(), "serve");
        assert!(command(&file, &["version"]).await.unwrap().starts_with("switchboard "));
    });
}

/// Proves LOGIN-06 (the command line unlocks).
#[test]
fn the_command_line_lets_an_administrator_in_again() {
    block_on(async {
        let (_folder, file, config) = installation().await;
        let store = Store::open(&config.storage).await.unwrap();
        let here = TenantId::first();
        for _ in 0..5 {
            store.login_failed(&here, "admin", 1).await.unwrap();
        }
        assert_eq!(command(&file, &["user", "unlock", "admin"]).await.unwrap(), "admin is not locked");
        assert_eq!(store.account(&here, "admin").await.unwrap().unwrap().locked_at_ms, None);
        let said = command(&file, &["user", "password", "admin"]).await.unwrap();
        let password = said.rsplit(' ').next().unwrap();
        let hash = store.account(&here, "admin").await.unwrap().unwrap().employee.value.password_hash;
        assert!(verify_password(&hash, password).unwrap());
        command(&file, &["user", "create", "boss", "--admin"]).await.unwrap();
        let boss = store.account(&here, "boss").await.unwrap().unwrap().employee.value;
        assert_eq!((boss.permissions, boss.must_change), (vec!["*".to_owned()], true));
        assert!(command(&file, &["user", "create", "boss"]).await.is_err(), "it exists");
        assert_eq!(command(&file, &["user", "create", "x y"]).await.unwrap_err().exit_code(), 2);
        assert_eq!(command(&file, &["user", "--tenant", "no", "unlock", "x"]).await.unwrap_err().exit_code(), 1);
    });
}

#[test]
fn a_backup_is_an_installation() {
    block_on(async {
        let (folder, file, config) = installation().await;
        std::fs::create_dir_all(config.journal_dir().join("default")).unwrap();
        std::fs::write(config.journal_dir().join("default/1-1.seg"), b"segment").unwrap();
        std::fs::create_dir_all(config.recording.dir.join("default")).unwrap();
        std::fs::write(config.recording.dir.join("default/a.wav"), b"audio").unwrap();
        crate::secrets::SecretKey::open(&config.key_file()).unwrap();
        let open = Store::open(&config.storage).await.unwrap();
        let to = folder.path().join("backup");
        command(&file, &["backup", to.to_str().unwrap(), "--recordings"]).await.unwrap();
        assert_eq!(std::fs::read(to.join("journal/default/1-1.seg")).unwrap(), b"segment");
        assert_eq!(std::fs::read(to.join("recordings/default/a.wav")).unwrap(), b"audio");
        assert_eq!(std::fs::read(to.join("secret.key")).unwrap(), std::fs::read(config.key_file()).unwrap());
        let copy = Store::open(&crate::config::StorageUrl::Sqlite(to.join("switchboard.db"))).await.unwrap();
        assert_eq!(copy.tenants().await.unwrap(), open.tenants().await.unwrap());
        let again = command(&file, &["backup", to.to_str().unwrap()]).await.unwrap_err();
        assert_eq!(again.exit_code(), 2, "nothing is overwritten");
    });
}

/// The flow that is delivered, walked with keys; its picture.
#[test]
fn a_flow_is_tried_without_a_phone() {
    block_on(async {
        let flow = concat!(env!("CARGO_MANIFEST_DIR"), "/../conf/flows/main.toml");
        let folder = tempfile::tempdir().unwrap();
        let svg = folder.path().join("main.svg");
        let none = folder.path().join("none.toml");
        let args = ["simulate", flow, "--keys", "2,1001#", "--dial", "no_answer", "--svg", svg.to_str().unwrap()];
        let told = command(&none, &args).await.unwrap();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[0], "main: 8 nodes, no problem; prompts to upload: main_menu");
        for expected in
            ["ring extension 1001 for 20 s", "(the ringing ends: no_answer)", "queue support", "hang up normal"]
        {
            assert!(told.contains(expected), "{expected} in\n{told}");
        }
        assert!(std::fs::read_to_string(&svg).unwrap().starts_with("<svg "));
        let closed = command(&none, &["simulate", flow, "--hours", "office=closed"]).await.unwrap();
        assert!(closed.contains("ivr_closed") && closed.contains("voicemail queue:support"), "{closed}");
    });
}

#[test]
fn a_flow_with_a_fault_ends_with_2_and_names_the_node() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let none = folder.path().join("none.toml");
        let file = folder.path().join("f.toml");
        let try_it = async |text: &str, more: &[&str]| {
            std::fs::write(&file, text).unwrap();
            let error = command(&none, &[&["simulate", file.to_str().unwrap()], more].concat()).await.unwrap_err();
            (error.to_string().replace(&file.display().to_string(), "f.toml"), error.exit_code())
        };
        let (told, code) =
            try_it("name = \"f\"\nstart = \"a\"\n[nodes.a]\nstep = \"play\"\nprompts = [\"x\"]\nnext = \"b\"\n", &[])
                .await;
        assert_eq!(
            (told.as_str(), code),
            ("f.toml:3: a: there is no node `b`, where `next` leads; write it, or lead elsewhere", 2)
        );
        assert!(try_it("name = ", &[]).await.0.starts_with("f.toml:1: this is not TOML: "));
        let good = "name = \"f\"\nstart = \"a\"\n[nodes.a]\nstep = \"hang_up\"\n";
        assert_eq!(
            try_it(good, &["--keys", "1x"]).await.0,
            "--keys: `x` is no key, write 0 to 9, * and #, groups with commas"
        );
        assert_eq!(
            try_it(good, &["--dial", "maybe"]).await.0,
            "--dial: `maybe` is none of answered, busy, no_answer, failed"
        );
        assert!(try_it(good, &["--hours", "office"]).await.0.starts_with("--hours: `office`: write NAME=open"));
        assert!(
            try_it(good, &["--figure", "sales=3"]).await.0.starts_with("--figure: `sales=3`: write QUEUE.FIGURE=N")
        );
    });
}
