use clap::CommandFactory as _;
use hooks::id::TenantId;

use super::*;
use crate::provision::first_start::{self, Passwords};
use crate::secrets::verify_password;
use crate::store::roles::Role;

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
        Outcome::Document => Ok("document".to_owned()),
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
        let text = "[acme]\ndomains = \"pbx.test\"\naccept_terms = true\nca = \"/no/such.pem\"\n";
        std::fs::write(&file, text).unwrap();
        let error = command(&file, &["check"]).await.unwrap_err();
        assert!(error.to_string().starts_with("acme.ca: /no/such.pem holds no usable PEM: "), "{error}");
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
        assert_eq!(command(&file, &["openapi"]).await.unwrap(), "document");
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
            store.login_failed(&here, "10000", 1).await.unwrap();
        }
        assert_eq!(command(&file, &["user", "unlock", "admin"]).await.unwrap(), "admin is not locked");
        assert_eq!(store.account(&here, "admin").await.unwrap().unwrap().locked_at_ms, None);
        let said = command(&file, &["user", "password", "admin"]).await.unwrap();
        let password = said.rsplit(' ').next().unwrap();
        let hash = store.account(&here, "admin").await.unwrap().unwrap().employee.value.password_hash;
        assert!(verify_password(&hash, password).unwrap());
        command(&file, &["user", "create", "boss", "--admin"]).await.unwrap();
        let boss = store.account(&here, "boss").await.unwrap().unwrap().employee.value;
        assert_eq!((boss.role.as_str(), boss.must_change), (Role::ADMINISTRATOR, true));
        assert_eq!(boss.employee_no, "10004", "the first start made 10000 to 10003");
        assert!(command(&file, &["user", "create", "boss"]).await.is_err(), "it exists");
        assert_eq!(
            command(&file, &["user", "create", "li", "--employee-no", "9999"]).await.unwrap_err().exit_code(),
            2
        );
        assert_eq!(command(&file, &["user", "create", "li", "--role", "none"]).await.unwrap_err().exit_code(), 2);
        command(&file, &["user", "create", "li", "--employee-no", "20000"]).await.unwrap();
        assert_eq!(store.account(&here, "LI").await.unwrap().unwrap().employee.value.role, Role::AGENT);
        assert_eq!(command(&file, &["user", "create", "x y"]).await.unwrap_err().exit_code(), 2);
        assert_eq!(command(&file, &["user", "--tenant", "no", "unlock", "x"]).await.unwrap_err().exit_code(), 1);
    });
}

/// Proves GEN-02 (an installation has several enterprises, each told apart by its domains) as far as the command line goes.
#[test]
fn the_command_line_makes_tenants_whose_domains_are_nobody_elses() {
    block_on(async {
        let (_folder, file, config) = installation().await;
        let add = ["tenant", "add", "bank", "--name", "Bank", "--domain", "SIP.Bank.example"];
        let refused = command(&file, &add).await.unwrap_err();
        assert!(refused.to_string().contains("switchboard tenant domains default DOMAIN"), "{refused}");
        command(&file, &["tenant", "domains", "default", "a.example", "A.example", "b.example"]).await.unwrap();
        let said = command(&file, &add).await.unwrap();
        let password = said.rsplit(' ').next().unwrap();
        let store = Store::open(&config.storage).await.unwrap();
        let bank: TenantId = "bank".parse().unwrap();
        let admin = store.account(&bank, "admin").await.unwrap().unwrap().employee.value;
        assert!(verify_password(&admin.password_hash, password).unwrap() && admin.must_change);
        assert_eq!(
            command(&file, &["tenant", "list"]).await.unwrap(),
            "bank\tBank\tsip.bank.example\ndefault\tDefault\ta.example, b.example"
        );
        for (line, code) in [
            (&["tenant", "add", "bank", "--name", "Again", "--domain", "c.example"][..], 1),
            (&["tenant", "add", "shop", "--name", "Shop", "--domain", "A.example"], 1),
            (&["tenant", "add", "shop", "--name", "Shop", "--domain", "192.0.2.1"], 2),
            (&["tenant", "add", "shop", "--name", "Shop", "--domain", "d.example", "--time-zone", "Mars/Olympus"], 2),
            (&["tenant", "add", "Shop", "--name", "Shop", "--domain", "d.example"], 2),
            (&["tenant", "domains", "bank", "b.example"], 1),
            (&["tenant", "domains", "none", "d.example"], 1),
        ] {
            assert_eq!(command(&file, line).await.unwrap_err().exit_code(), code, "{line:?}");
        }
        let _served = crate::data_lock::DataLock::take(&config.data_dir).unwrap();
        let error = command(&file, &["tenant", "domains", "bank", "bank.example"]).await.unwrap_err();
        assert!(error.to_string().contains("in use"), "{error}");
    });
}

/// An installation with a file of each kind, its backup, and the configuration of an empty one beside it.
async fn backed_up() -> (tempfile::TempDir, Config, PathBuf, PathBuf, Config) {
    let (folder, file, config) = installation().await;
    std::fs::create_dir_all(config.journal_dir().join("default")).unwrap();
    std::fs::write(config.journal_dir().join("default/1-1.seg"), b"segment").unwrap();
    std::fs::create_dir_all(config.recording.dir.join("default")).unwrap();
    std::fs::write(config.recording.dir.join("default/a.wav"), b"audio").unwrap();
    std::fs::create_dir_all(config.data_dir.join("plugins/crm")).unwrap();
    let crm = StorageUrl::Sqlite(config.data_dir.join("plugins/crm/crm.db"));
    Store::open(&crm).await.unwrap().close().await;
    crate::secrets::SecretKey::open(&config.key_file()).unwrap();
    let to = folder.path().join("backup");
    // As a running server has it.
    let _served = crate::data_lock::DataLock::take(&config.data_dir).unwrap();
    let open = Store::open(&config.storage).await.unwrap();
    let said = command(&file, &["backup", "--to", to.to_str().unwrap()]).await.unwrap();
    open.close().await;
    assert!(said.contains("switchboard.toml") && said.contains("checkpoints"), "what is left out is named: {said}");
    let empty = folder.path().join("empty.toml");
    std::fs::write(&empty, format!("data_dir = {:?}\n", folder.path().join("new").display().to_string())).unwrap();
    let new = Config::load(&empty).unwrap();
    (folder, config, to, empty, new)
}

#[test]
fn a_backup_is_an_installation() {
    block_on(async {
        let (_folder, config, to, empty, new) = backed_up().await;
        let from = to.to_str().unwrap();
        command(&empty, &["restore", "--from", from]).await.unwrap();
        assert_eq!(std::fs::read(new.journal_dir().join("default/1-1.seg")).unwrap(), b"segment");
        assert_eq!(std::fs::read(new.recording.dir.join("default/a.wav")).unwrap(), b"audio");
        assert_eq!(std::fs::read(new.key_file()).unwrap(), std::fs::read(config.key_file()).unwrap());
        assert!(new.data_dir.join("plugins/crm/crm.db").is_file());
        let (old, copy) = (Store::open(&config.storage).await.unwrap(), Store::open(&new.storage).await.unwrap());
        assert_eq!(copy.sums().await.unwrap(), old.sums().await.unwrap());
        assert!(copy.sums().await.unwrap().iter().any(|table| table.table == "tenants" && table.sum.rows == 1));
        copy.close().await;
        // Neither is anything overwritten.
        let again = command(&empty, &["restore", "--from", from]).await.unwrap_err();
        assert!(again.to_string().contains("is not empty"), "{again}");
        assert_eq!(again.exit_code(), 2);
        let again = command(&empty, &["backup", "--to", from]).await.unwrap_err();
        assert_eq!(again.exit_code(), 2);
    });
}

#[test]
fn a_backup_that_is_not_whole_or_not_for_here_is_refused_and_says_why() {
    block_on(async {
        let (folder, _, to, empty, new) = backed_up().await;
        let restore = async || command(&empty, &["restore", "--from", to.to_str().unwrap()]).await.unwrap_err();
        let served = crate::data_lock::DataLock::take(&new.data_dir).unwrap();
        let error = restore().await;
        assert!(error.to_string().contains("in use by a running server") && error.exit_code() == 1, "{error}");
        drop(served);

        let segment = to.join("journal/default/1-1.seg");
        std::fs::write(&segment, b"segmenT").unwrap();
        let error = restore().await;
        assert!(error.to_string().contains(&format!("{}: it is not what was backed up", segment.display())), "{error}");
        std::fs::remove_file(&segment).unwrap();
        let error = restore().await;
        assert!(error.to_string().contains(&format!("{}: it is missing", segment.display())), "{error}");
        std::fs::write(&segment, b"segment").unwrap();

        let manifest = to.join("manifest.json");
        let text = std::fs::read_to_string(&manifest).unwrap();
        let schema = format!("\"schema\": {}", Store::LAST_STEP);
        assert!(text.contains(&schema), "{text}");
        std::fs::write(&manifest, text.replace(&schema, "\"schema\": 99999")).unwrap();
        let error = restore().await;
        assert!(error.to_string().contains("newer version") && error.exit_code() == 1, "{error}");
        std::fs::write(&manifest, text.replace("journal/default/1-1.seg", "../empty.toml")).unwrap();
        assert!(restore().await.to_string().contains("it names ../empty.toml"));
        std::fs::remove_file(&manifest).unwrap();
        let error = restore().await;
        assert!(error.to_string().contains("is no backup") && error.exit_code() == 2, "{error}");
        assert_eq!(std::fs::read_dir(&new.data_dir).unwrap().count(), 1, "nothing but the lock was written");

        std::fs::write(&manifest, &text).unwrap();
        command(&empty, &["restore", "--from", to.to_str().unwrap()]).await.unwrap();
        std::fs::write(new.data_dir.join("restoring"), b"").unwrap();
        let cut_off = crate::data_lock::DataLock::take(&new.data_dir).unwrap_err();
        assert!(cut_off.to_string().contains("was cut off"), "{cut_off}");
        drop(folder);
    });
}

#[test]
fn a_database_is_moved_by_the_command_line_only_while_no_server_runs() {
    block_on(async {
        let (folder, file, config) = installation().await;
        let url = |path: &std::path::Path| format!("sqlite://{}", path.display());
        let (from, to) = (url(&config.data_dir.join("switchboard.db")), url(&folder.path().join("other.db")));
        let args = ["move", "--from", &from, "--to", &to];
        let served = crate::data_lock::DataLock::take(&config.data_dir).unwrap();
        let error = command(&file, &args).await.unwrap_err();
        assert!(error.to_string().contains("in use by a running server") && error.exit_code() == 1, "{error}");
        drop(served);
        let said = command(&file, &args).await.unwrap();
        assert!(said.contains("were moved and compared"), "{said}");
        let other = Store::open(&StorageUrl::Sqlite(folder.path().join("other.db"))).await.unwrap();
        let here = Store::open(&config.storage).await.unwrap();
        assert_eq!(other.sums().await.unwrap(), here.sums().await.unwrap());
        other.close().await;
        let error = command(&file, &args).await.unwrap_err();
        assert!(error.to_string().contains("the target is not empty"), "{error}");
        assert_eq!(command(&file, &["move", "--from", &from, "--to", &from]).await.unwrap_err().exit_code(), 2);
        assert!(Cli::try_parse_from(["switchboard", "move", "--from", "x", "--to", &to]).is_err());
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
