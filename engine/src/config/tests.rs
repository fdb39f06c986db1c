use super::*;
use crate::store::routes::RouteRule;
use crate::ways::WaysAllowed;

fn parse(text: &str) -> Result<Config, Vec<String>> {
    parse_with(text, &[])
}

fn parse_with(text: &str, env: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::parse(text, env).map_err(|problems| {
        let shown = |problem: Problem| match problem.place {
            Place::Line(line) => format!("{line}: {}", problem.message),
            Place::Env(name) => format!("{name}: {}", problem.message),
            Place::In(..) => problem.to_string(),
        };
        problems.into_iter().map(shown).collect()
    })
}

fn refused(text: &str) -> String {
    parse(text).map(|_| ()).expect_err("it is refused").join("\n")
}

/// A file of the repository.
fn conf(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../conf").join(name)).unwrap()
}

#[test]
fn an_empty_file_gives_the_defaults_of_the_contract() {
    let config = parse("").unwrap();
    assert_eq!(config.sip.udp, ["0.0.0.0:5060".parse().unwrap()]);
    assert_eq!(config.sip.tcp, ["0.0.0.0:5060".parse().unwrap()]);
    assert_eq!(config.sip.tls, ["0.0.0.0:5061".parse().unwrap()]);
    assert_eq!(config.http.listen, ["0.0.0.0:8080".parse().unwrap()]);
    assert_eq!(config.https.listen, ["0.0.0.0:8443".parse().unwrap()]);
    assert_eq!(config.rtp.ports, (20_000, 29_999));
    assert_eq!(config.storage, StorageUrl::Sqlite("data/switchboard.db".into()));
    assert_eq!(config.recording.dir, Path::new("data/recordings"));
    assert_eq!(config.key_file(), Path::new("data/secret.key"));
}

#[test]
fn the_file_we_ship_says_the_defaults_and_documents_every_key() {
    let shipped = conf("switchboard.toml");
    assert_eq!(format!("{:?}", parse(&shipped).unwrap()), format!("{:?}", parse("").unwrap()));
    // `#key = value` is a key at its default, `# [[table]]` and `# key = value` an example.
    let uncommented = |examples: bool| -> String {
        let line = |line: &str| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => rest.to_owned(),
            Some(rest)
                if examples
                    && (rest.contains(" = ") || rest.starts_with(" [["))
                    && !rest.contains("sets `udp`")
                    // A flow stands in its file or here.
                    && !rest.starts_with(" file = ") =>
            {
                rest.to_owned()
            }
            Some(_) => String::new(),
            None => line.to_owned(),
        };
        shipped.lines().map(line).collect::<Vec<_>>().join("\n")
    };
    let text =
        uncommented(false).replace("certificate =", "# certificate =").replace("private_key =", "# private_key =");
    assert_eq!(format!("{:?}", parse(&text).unwrap()), format!("{:?}", parse("").unwrap()));
    let text = uncommented(true);
    let (config, known) = Config::parse_known(&text, []);
    assert_eq!(config.map(|_| ()), Ok(()), "{text}");
    for key in known.iter().filter(|key| !["queue", "flow", "room"].iter().any(|later| key.ends_with(later))) {
        let name = key.rsplit('.').next().unwrap();
        let documented = shipped.lines().any(|line| {
            let line = line.trim_start_matches(['#', ' ']);
            line.starts_with(&format!("{name} =")) || line.contains(&format!("{name}]"))
        });
        assert!(documented || name == "provision", "{key} is not in conf/switchboard.toml");
    }
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_name() {
    assert_eq!(refused("[sip]\n\nudq = \"127.0.0.1:5060\"\n"), "3: there is no key `sip.udq`, did you mean `udp`?");
    assert_eq!(refused("[spi]\nudp = \"1\"\n"), "1: there is no key `spi`, did you mean `sip`?");
    let far = refused("[log]\nzzz = 1\n");
    assert_eq!(far, "2: there is no key `log.zzz`; there are level, format");
}

#[test]
fn every_problem_is_told_with_its_line_and_mend() {
    let problems = refused(
        "[sip]\nudp = \"here\"\nexpires_min_s = 0\n[rtp]\nports = \"9-8\"\ntones = \"uk\"\nopus_band = \"hd\"\n[storage]\nurl = \"mysql://x\"\n",
    );
    let expected = [
        "2: `sip.udp`: `here` is no address with port, write it as 0.0.0.0:5060 or [::]:5060",
        "3: `sip.expires_min_s`: write a whole number from 1 to 86400",
        "5: `rtp.ports`: write a range like \"20000-29999\", from 1024 up, with room for at least one call (8 ports)",
        "6: `rtp.tones`: `uk` is none of cn, us",
        "7: `rtp.opus_band`: `hd` is none of narrow, wide, full",
        "9: `storage.url`: write sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE",
    ];
    assert_eq!(problems.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn broken_toml_is_told_with_its_line() {
    assert!(refused("[sip]\nudp = \n").starts_with("2: this is not TOML: "), "{}", refused("[sip]\nudp = \n"));
    assert_eq!(refused("sip = 5\n"), "1: `sip` is a table, not a number");
}

#[test]
fn the_environment_overrides_the_file() {
    let env = [
        ("SWITCHBOARD__SIP__UDP", "127.0.0.1:15060"),
        ("SWITCHBOARD__RTP__ADVERTISE", "203.0.113.5, 2001:db8::5"),
        ("SWITCHBOARD__ICE__SERVERS", "[\"stun:a:3478\", \"stun:b\"]"),
        ("SWITCHBOARD__RECORDING__INTERNAL", "true"),
        ("SWITCHBOARD__JOURNAL__KEEP_DAYS", "7"),
        ("SWITCHBOARD__LADDER__MAX_MB", "1"),
        ("SWITCHBOARD__LOCAL_NETS", "10.0.0.0/8"),
        ("SWITCHBOARD__HTTPS__LISTEN", ""),
        ("SWITCHBOARD__PROVISION__EXTENSION", "[{ number = \"1010\", password = \"x\" }]"),
        ("SWITCHBOARD_DEMO_PASSWORD", "not a key"),
    ];
    let config = parse_with("[sip]\nudp = \"0.0.0.0:5060\"\n", &env).unwrap();
    assert_eq!(config.sip.udp, ["127.0.0.1:15060".parse().unwrap()]);
    assert_eq!(config.rtp.advertise.len(), 2);
    assert_eq!(config.ice_servers, ["stun:a:3478", "stun:b"]);
    assert!(config.recording.internal);
    assert_eq!((config.journal_keep_days, config.recording.keep_days), (7, 180), "REC-06: half a year");
    assert_eq!((config.ladder.keep_days, config.ladder.bytes_max), (7, 1 << 20));
    assert_eq!(config.local_nets.len(), 1);
    assert_eq!(config.https.listen, []);
    assert_eq!(config.provision.extensions[0].number.as_str(), "1010");
}

#[test]
fn a_wrong_variable_is_named() {
    let problems = |name, value| parse_with("", &[(name, value)]).map(|_| ()).unwrap_err().join("\n");
    assert_eq!(
        problems("SWITCHBOARD__SIP__UDQ", "x"),
        "SWITCHBOARD__SIP__UDQ: there is no key `sip.udq`, did you mean `udp`?"
    );
    assert!(problems("SWITCHBOARD__JOURNAL__KEEP_DAYS", "soon").starts_with("SWITCHBOARD__JOURNAL__KEEP_DAYS: "));
    let table = problems("SWITCHBOARD__DATA_DIR__X", "1");
    assert_eq!(table, "SWITCHBOARD__DATA_DIR__X: `data_dir`: write a text in quotes, not a table");
}

#[test]
fn the_bench_listens_on_loopback_only_and_trusts_it() {
    let config = parse(&conf("bench.toml")).unwrap();
    let sockets = config.sip.udp.iter().chain(&config.sip.tcp).chain(&config.sip.tls);
    let mut sockets = sockets.chain(&config.http.listen).chain(&config.https.listen);
    assert!(sockets.all(|socket| socket.ip().is_loopback()));
    assert!(config.rtp.address.iter().all(IpAddr::is_loopback));
    assert_eq!(config.provision.trunks[0].sources[0].address, IpAddr::from([127, 0, 0, 1]));
    let numbers: Vec<&str> = config.provision.extensions.iter().map(|it| it.number.as_str()).collect();
    assert_eq!(numbers, ["1000", "1100", "3000"]);
    assert!(config.provision.extensions[2].record);
}

#[test]
fn what_is_provisioned_is_checked() {
    let text = "[[provision.extension]]\nnumber = \"alice\"\npassword = \"x\"\n\n[[provision.extension]]\nnumber = \"1010\"\n\n\
                [[provision.trunk]]\nname = \"carrier\"\nhost = \"a b\"\nusername = \"u\"\n\n\
                [[provision.route]]\nname = \"r\"\ndirection = \"inbound\"\ndid = \"*\"\nto = \"nobody\"\n\n\
                [[provision.queue]]\nname = \"support\"\nring_timeout_s = 20\noverflow = [\"mobile:1\"]\n";
    let expected = [
        "2: `provision.extension.number`: an extension is 2 to 10 digits, optionally after a *",
        "5: `password` is missing here, write it",
        "8: a trunk has both username and password, or neither",
        "10: `provision.trunk.host`: `a b` is no host, write it as sip.example.com or 192.0.2.1",
        "17: `provision.route.to`: a route leads to an extension's number, to `room:8000`, `queue:support`, `flow:main`, `voicemail:queue:support`, `voicemail:extension:1001`, `number:13800138000` or `echo`",
        "22: `overflow`: `mobile:1`: write queue:NAME, number:NUMBER, flow:NAME, voicemail or prompt:NAME",
    ];
    assert_eq!(parse(text).map(|_| ()).unwrap_err(), expected);
}

const OFFICE: &str =
    "[[provision.hours]]\nname = \"office\"\nzone = \"Asia/Shanghai\"\nweekly.mon = [\"09:00-18:00\"]\n";

#[test]
fn hours_are_provisioned_and_their_mistakes_are_named_at_their_line() {
    let config = parse(&format!(
        "{OFFICE}weekly.sat = [\"10:00-12:00\"]\nholidays = [\"10-01..10-07\"]\nmake_up = [{{ date = \"2026-10-10\", like = \"mon\" }}]\n"
    ));
    let hours = config.unwrap().provision.hours.remove(0).hours;
    assert_eq!((hours.weekly.len(), hours.holidays.len(), hours.make_up.len()), (2, 1, 1));
    for (line, problem) in [
        (
            "holidays = [\n\"10-01\",\n\"soon\"]",
            "7: `provision.hours.holidays`: `soon` is no day, write it as 2026-10-01, each year as 10-01, several as 2026-10-01..2026-10-07",
        ),
        (
            "weekly.tue = [\"9-5\"]",
            "5: `provision.hours.weekly`: `9-5` is no span of times, write it as 09:00-18:00, past midnight as 22:00-06:00, all day as 00:00-24:00",
        ),
        ("make_up = [{ date = 2026-10-10 }]", "5: `provision.hours.make_up`: write a text in quotes, not a date"),
        ("holiday = []", "5: there is no key `provision.hours.holiday`, did you mean `holidays`?"),
    ] {
        assert_eq!(refused(&format!("{OFFICE}{line}\n")), problem);
    }
    let nowhere = refused(&OFFICE.replace("Shanghai", "Shangai"));
    assert!(
        nowhere.starts_with("3: `provision.hours.zone`: `Asia/Shangai` is no time zone, did you mean `Asia/Shanghai`?"),
        "{nowhere}"
    );
    assert!(refused(&format!("{OFFICE}{OFFICE}")).contains("hours default/office is provisioned twice"));
}

#[test]
fn a_route_with_hours_and_a_block_are_provisioned() {
    let route = "[[provision.route]]\nname = \"r\"\ndirection = \"inbound\"\ndid = \"*\"\nto = \"1010\"\n";
    let closed = "hours = \"office\"\nclosed_prompt = \"ivr_closed\"\nclosed_to = \"voicemail:queue:support\"\n";
    let config = parse(&format!("{route}{closed}")).unwrap();
    let RouteRule::Inbound { hours, closed, .. } = &config.provision.routes[0].rule else { panic!() };
    assert_eq!(hours.as_ref().unwrap().as_str(), "office");
    assert_eq!(closed.as_ref().unwrap().to.as_ref().unwrap().to_string(), "voicemail:queue:support");
    let refused = parse(&format!("{route}closed_to = \"1010\"\n")).map(|_| ()).unwrap_err();
    assert_eq!(refused, ["1: a route without `hours` is never closed, name the hours, too"]);
    let block = "[[provision.block]]\nside = \"caller\"\nnumber = \"01012345678\"\n";
    let config = parse(&format!("{block}treatment = \"prompt\"\n")).unwrap();
    assert_eq!(config.provision.blocks[0].number.as_str(), "+861012345678");
    let problem = |text: &str| parse(text).map(|_| ()).unwrap_err().join("; ");
    assert!(problem(&format!("{block}{block}")).contains("is provisioned twice"));
    assert!(problem(&block.replace("caller", "both")).starts_with("2: "));
    assert!(problem(&block.replace("number = \"01012345678\"", "")).contains("`number` is missing here, write it"));
}

const FLOW: &str = "[[provision.flow]]\nname = \"main\"\nstart = \"a\"\n[provision.flow.nodes.a]\nstep = \"hang_up\"\n";

#[test]
fn a_flow_is_provisioned_in_place_or_by_its_file_and_its_mistakes_are_named_at_their_line() {
    let config = parse(FLOW).unwrap();
    assert_eq!(config.provision.flows[0].written.flow.nodes.len(), 1);
    for (more, problem) in [
        ("parts = [\"x y\"]", "4: a: "),
        (
            "[provision.flow.nodes.b]\nstep = \"hang_up\"",
            "6: b: no way leads here; lead one here, or take the node out",
        ),
        (
            "[provision.flow.nodes.b]\nstep = \"lookup\"\nurl = \"crm.example\"\nfields = { x = { pointer = \"/x\" } }\nnext = \"a\"",
            "6: b: `url` begins with https:// or http://",
        ),
        ("[[provision.flow]]\nfile = \"nowhere/f.toml\"", "nowhere/f.toml:1: cannot be read: "),
        ("[[provision.flow]]\nfile = \"f.toml\"\nname = \"b\"", "7: a flow with a `file` is written there"),
    ] {
        let told = parse(&format!("{FLOW}{more}\n")).map(|_| ()).unwrap_err();
        assert!(told.iter().any(|told| told.starts_with(problem)), "{problem} in {told:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f.toml");
    let text = format!("[[provision.flow]]\nfile = \"{}\"\n", file.display());
    std::fs::write(&file, "name = \"f\"\nstart = \"a\"\n[nodes.a]\nstep = \"play\"\nprompts = [\"x\"]\nnext = \"b\"\n")
        .unwrap();
    assert_eq!(
        refused(&text),
        format!("{}:3: a: there is no node `b`, where `next` leads; write it, or lead elsewhere", file.display())
    );
    std::fs::write(&file, FLOW.replace("provision.flow.", "").replace("[[provision.flow]]\n", "")).unwrap();
    assert_eq!(parse(&text).unwrap().provision.flows[0].written.flow.name.as_str(), "main");
    assert!(refused(&format!("{FLOW}{FLOW}")).contains("flow default/main is provisioned twice"));
}

#[test]
fn an_extension_that_forwards_to_itself_is_refused_and_named() {
    let text =
        "[[provision.extension]]\nnumber = \"1010\"\npassword = \"x\"\ncall_waiting = false\nforward_busy = \"1010\"\n";
    assert!(refused(text).contains("5: `forward_busy`: an extension cannot forward to itself"), "{}", refused(text));
}

#[test]
fn an_extension_is_for_both_kinds_of_phone_unless_one_is_named() {
    let text = "[[provision.extension]]\nnumber = \"1010\"\npassword = \"x\"\n";
    let ways = |more: &str| parse(&format!("{text}{more}")).map(|config| config.provision.extensions[0].ways);
    assert_eq!(ways("").unwrap(), WaysAllowed::Both);
    assert_eq!(ways("ways = \"web\"\n").unwrap(), WaysAllowed::Web);
    let both = ways("contact = \"sip:1010@192.0.2.7\"\nways = \"web\"\n").unwrap_err();
    assert!(both[0].starts_with("5: `ways`: a `contact` is that of a SIP phone"), "{both:?}");
}

#[test]
fn a_number_provisioned_twice_is_refused() {
    let one = "[[provision.extension]]\nnumber = \"1010\"\npassword = \"x\"\n";
    assert!(refused(&format!("{one}{one}")).contains("extension default/1010 is provisioned twice"));
}

#[test]
fn what_is_advertised_stands_per_transport() {
    let config =
        parse("[sip]\nudp = \"0.0.0.0:5080\"\nadvertise = [\"pbx.example.com\", \"tls:[2001:db8::1]:443\"]\n").unwrap();
    let node = config.node(Vec::new(), None);
    let shown: Vec<String> =
        node.advertise.iter().map(|it| format!("{:?} {}:{}", it.transport, it.host, it.port)).collect();
    assert_eq!(
        shown,
        ["Udp pbx.example.com:5080", "Tcp pbx.example.com:5060", "Tls pbx.example.com:5061", "Tls [2001:db8::1]:443"]
    );
    assert!(refused("[sip]\nadvertise = \"a b\"\n").contains("is no address to advertise"));
}

#[test]
fn the_session_timer_has_the_bounds_of_its_rfc() {
    for wrong in ["89", "86401"] {
        let problem = refused(&format!("[sip]\nsession_expires_s = {wrong}\n"));
        assert_eq!(problem, "2: `sip.session_expires_s`: write a whole number from 90 to 86400");
    }
}

#[test]
fn the_policy_of_a_provisioned_trunk_is_read_and_its_mistakes_are_named() {
    let trunk = "[[provision.trunk]]\nname = \"c\"\nhost = \"192.0.2.1\"\n";
    let config = parse(&format!(
        "{trunk}username = \"u\"\npassword = \"p\"\nregister = true\noptions_interval_s = 30\nfailover_codes = [404, 503]\n\
         outbound_calls = 3\nwhen_full = \"busy\"\n"
    ));
    let policy = config.unwrap().provision.trunks[0].policy.clone();
    assert_eq!(policy.registration.unwrap().expires_ms, 600_000);
    assert_eq!((policy.health.unwrap().interval_ms, policy.outbound.calls), (30_000, Some(3)));
    assert_eq!(policy.failover_codes, Some([404, 503].into()));
    for (line, problem) in [
        ("register = true", "1: `register_user`: write whom to register: the trunk has no user name"),
        ("register_expires_s = 600", "4: `register_expires_s` has no use without `register = true`"),
        ("options_threshold = 2", "4: `options_threshold` has no use without `options_interval_s`"),
        (
            "failover_codes = [200]",
            "4: `provision.trunk.failover_codes`: write a list of whole numbers from 300 to 699, as [300, 699]",
        ),
        (
            "called_out = [\"prefix x -> 1\"]",
            "4: `provision.trunk.called_out`: `x` is no part of a number: at most 24 of 0-9, * and #, optionally after a +",
        ),
        (
            "headers = \"Via: x\"",
            "4: `provision.trunk.headers`: `Via` is written by the switch itself, take another name",
        ),
        ("caller = \"fixed\"", "1: `caller_fixed`: write the number that is shown"),
        ("wieght = 1", "4: there is no key `provision.trunk.wieght`, did you mean `weight`?"),
    ] {
        assert_eq!(refused(&format!("{trunk}{line}\n")), problem);
    }
}

#[test]
fn how_recordings_are_kept_is_read_and_no_secret_is_shown() {
    let text = "[recording]\nformat = \"opus\"\nkeep_days = 0\nencryption_keys = [\"k KEY\"]\n[recording.s3]\n\
                bucket = \"b\"\naccess_key_id = \"id\"\nendpoint = \"https://s3.example\"\n";
    let key = "5f".repeat(32);
    let secret = [("SWITCHBOARD__RECORDING__S3__SECRET_ACCESS_KEY".to_owned(), "hidden".to_owned())];
    let config = Config::parse(&text.replace("KEY", &key), secret).unwrap();
    let recording = &config.recording;
    assert_eq!((recording.format, recording.keep_days), (hooks::fact::AudioFormat::Opus, 0));
    assert_eq!(recording.encryption_keys.as_ref().unwrap().sealing(), "k");
    let options = recording.s3.as_ref().unwrap().options().unwrap();
    assert_eq!((options.secret_access_key.as_str(), options.region.as_str()), ("hidden", "us-east-1"));
    let shown = format!("{config:?}");
    assert!(!shown.contains("hidden") && !shown.contains(&key));
    for (text, mend) in [
        ("[recording]\nencryption_keys = \"k 12\"", "64 hexadecimal digits"),
        ("[recording.s3]\nbucket = \"b\"", "needs bucket, access_key_id"),
        ("[recording.s3]\nendpoint = \"s3.example\"", "write it as https://HOST"),
        ("[recording]\nformat = \"mp3\"", "recording.format"),
    ] {
        let problems = Config::parse(text, []).unwrap_err();
        assert!(problems.iter().any(|problem| problem.message.contains(mend)), "{text}: {problems:?}");
    }
}

#[test]
fn a_lookup_asks_the_server_that_is_written_down_whatever_is_dialled() {
    let text = |line: &str| format!("[lookup]\n{line}\n");
    let fine = "caller_url = \"http://10.0.0.5:8000/who?n={caller}&t={tenant}\"\ntimeout_ms = 800";
    let config = parse(&text(fine)).unwrap().lookup.hooks;
    assert!(config.caller_url.is_some() && config.authorize_url.is_none());
    assert_eq!(config.timeout, Duration::from_millis(800));
    for (line, problem) in [
        ("caller_url = \"http://{caller}/x\"", "2: `lookup.caller_url`: `http://{caller}/x` is no address of a server"),
        ("caller_url = \"http://crm.{tenant}/x\"", "2: `lookup.caller_url`: `http://crm.{tenant}/x` is no address"),
        ("caller_url = \"crm.example/x\"", "2: `lookup.caller_url`: `crm.example/x` is no address of a server"),
        (
            "resolve_url = \"https://crm/x?n={number}\"",
            "2: `lookup.resolve_url`: there is no {number} here, only {tenant}",
        ),
        ("timeout_ms = 20", "2: `lookup.timeout_ms`"),
    ] {
        let told = refused(&text(line));
        assert!(told.starts_with(problem), "{problem} in {told}");
    }
}

#[test]
fn a_mail_server_is_whole_or_not_there() {
    let whole =
        "[smtp]\nserver = \"mail.example\"\nuser = \"pbx\"\npassword = \"s3cret\"\nfrom = \"PBX <pbx@example.com>\"\n";
    let config = parse(whole).unwrap().smtp.unwrap();
    assert_eq!((config.port, config.tls, config.attach), (587, SmtpTls::StartTls, false));
    assert!(!format!("{config:?}").contains("s3cret"));
    assert_eq!(parse("[smtp]\n").unwrap().smtp, None);
    for (text, problem) in [
        (whole.replace("pbx@", "pbx"), "5: `smtp.from`: `PBX <pbxexample.com>` is no sender"),
        (whole.replace("server = \"mail.example\"\n", ""), "1: `smtp` needs a server"),
        (whole.replace("password = \"s3cret\"\n", ""), "1: `smtp` needs a user and either password or password_file"),
        (whole.replace("from = \"PBX <pbx@example.com>\"\n", ""), "1: `smtp` needs `from`"),
        (format!("{whole}tls = \"none\"\n"), "1: `smtp`: a password is never sent in clear"),
    ] {
        let told = refused(&text);
        assert!(told.starts_with(problem), "{problem} in {told}");
    }
}

#[test]
fn a_gateway_of_short_messages_is_whole_or_not_there() {
    let whole = "[sms]\ndriver = \"file\"\noutbox = \"sms\"\n";
    let config = parse(whole).unwrap().sms.unwrap();
    assert_eq!(config.driver, SmsDriver::File("sms".into()));
    assert_eq!(config.prefixes, ["+86"]);
    assert_eq!(parse("[sms]\n").unwrap().sms, None);
    for (text, problem) in [
        ("[sms]\ndriver = \"file\"\n".to_owned(), "1: `sms`: the driver \"file\" needs `outbox`"),
        ("[sms]\noutbox = \"sms\"\n".to_owned(), "1: `sms` needs a driver"),
        (format!("{whole}prefixes = \"86\"\n"), "4: `sms.prefixes`"),
        (format!("{whole}code_text = \"hello\"\n"), "1: `sms.code_text` must hold {code}"),
    ] {
        let told = refused(&text);
        assert!(told.starts_with(problem), "{problem} in {told}");
    }
}

#[test]
fn a_provider_is_whole_and_never_asked_in_clear() {
    let whole = "[oidc]\nissuer = \"https://login.example/ours/\"\nclient_id = \"pbx\"\n\
                 redirect = \"https://pbx.example/api/v1/session/oidc/callback\"\n";
    let config = parse(whole).unwrap().oidc.unwrap();
    assert_eq!((config.issuer.as_str(), config.claim.as_str()), ("https://login.example/ours", "preferred_username"));
    assert_eq!((config.matches, config.client_secret, config.tenant), (OidcMatch::Login, None, None));
    assert_eq!(parse("[oidc]\n").unwrap().oidc, None);
    for (text, problem) in [
        (whole.replace("client_id = \"pbx\"\n", ""), "1: `oidc` needs all of `issuer`, `client_id` and `redirect`"),
        (whole.replace("https://login", "http://login"), "2: `oidc.issuer`: who signs in is not asked for in clear"),
        (whole.replace("ours/", "ours?x=1"), "2: `oidc.issuer`: `https://login.example/ours?x=1` is no issuer"),
        (
            whole.replace("/callback", "/back"),
            "4: `oidc.redirect`: write it as https://pbx.example/api/v1/session/oidc/callback",
        ),
        (format!("{whole}scopes = \"profile\"\n"), "5: `oidc.scopes`: `openid` must be among them"),
        (format!("{whole}matches = \"name\"\n"), "5: `oidc.matches`: `name` is none of login, number, mobile, email"),
        (format!("{whole}client_secret = \"a\"\nclient_secret_file = \"b\"\n"), "6: set `client_secret` or"),
    ] {
        let told = refused(&text);
        assert!(told.lines().any(|line| line.starts_with(problem)), "{problem} in {told}");
    }
}

#[test]
fn an_authority_is_asked_for_names_of_hosts_and_where_its_terms_are_accepted() {
    let whole = "[acme]\ndomains = \"PBX.example.com, branch.example.com, pbx.example.com\"\naccept_terms = true\n";
    let config = parse(whole).unwrap().acme.unwrap();
    assert_eq!(config.domains, ["pbx.example.com", "branch.example.com"]);
    assert_eq!(config.directory, "https://acme-v02.api.letsencrypt.org/directory");
    assert_eq!((config.contact, config.ca, config.external_account), (None, None, None));
    assert_eq!(parse("[acme]\naccept_terms = true\n").unwrap().acme, None);
    let host = "[[tls.host]]\nname = \"Branch.example.com\"\ncertificate = \"a\"\nprivate_key = \"b\"\n";
    let many: Vec<String> = (0..101).map(|n| format!("a{n}.example")).collect();
    for (text, problem) in [
        (whole.replace("accept_terms = true", ""), "2: `acme` needs accept_terms = true"),
        (format!("{whole}[https]\nlisten = []\n"), "2: `acme` needs https.listen"),
        (format!("{whole}{host}"), "2: `Branch.example.com` has a certificate in `[[tls.host]]`"),
        (whole.replace("PBX", "*"), "2: `acme.domains`: `*.example.com` cannot be proved at the HTTPS port"),
        (whole.replace("PBX.example.com", "192.0.2.1"), "2: `acme.domains`: `192.0.2.1` is no name of a host"),
        (format!("[acme]\ndomains = {many:?}\naccept_terms = true\n"), "2: `acme.domains` holds 100 names"),
        (format!("{whole}contact = \"somebody\"\n"), "4: `acme.contact`: `somebody` is no e-mail address"),
        (format!("{whole}directory = \"http://a/b\"\n"), "4: `acme.directory`: `http://a/b` is no directory"),
        (format!("{whole}eab_key_id = \"we\"\n"), "4: `acme` needs eab_key_id and either eab_key or"),
    ] {
        let told = refused(&text);
        assert!(told.lines().any(|line| line.starts_with(problem)), "{problem} in {told}");
    }
}

#[test]
fn a_gateway_by_http_says_what_it_sends_and_never_in_clear_to_the_public() {
    let whole = "[sms]\ndriver = \"http\"\n[sms.http]\nurl = \"https://sms.example/send\"\nbody = '{\"to\": \"{to}\", \"text\": \"{text}\"}'\n";
    let SmsDriver::Http(http) = parse(whole).unwrap().sms.unwrap().driver else { panic!("another driver") };
    assert_eq!(http.body.unwrap().kind, "application/json");
    let without = |line: &str| whole.replace(line, "");
    for (text, problem) in [
        (without("url = \"https://sms.example/send\"\n"), "3: `sms`: the driver \"http\" needs `http.url`"),
        (whole.replace("https://sms", "http://sms"), "4: `sms.http.url`: messages and passwords are not sent in clear"),
        (whole.replace("sms.example/send", "{user}.example/send"), "4: `sms.http.url`: `https://{user}.example/send`"),
        (whole.replace("{text}", "{words}"), "5: `sms.http.body`: there is no {words}, only {to}"),
        (whole.replace("{text}", "hello"), "3: `sms.http`: neither url nor body holds {text}"),
        (format!("{whole}method = \"GET\"\n"), "3: `sms.http`: a GET has no body"),
        (format!("{whole}headers = [\"X-To: {{to}}\"]\n"), "6: `sms.http.headers`: {to} stands in the body or the URL"),
        (format!("{whole}headers = [\"X To\"]\n"), "6: `sms.http.headers`: write `X To` as Name: value"),
        (
            format!("{whole}success_pointer = \"/code\"\n"),
            "3: `sms.http` needs both success_pointer and success_values",
        ),
        (format!("{whole}secret = \"a\"\nsecret_file = \"b\"\n"), "7: set `secret` or `secret_file`, not both"),
    ] {
        let told = refused(&text);
        assert!(told.contains(problem), "{problem} in {told}");
    }
}

#[test]
fn a_gateway_at_alibaba_cloud_or_by_smpp_is_whole() {
    let aliyun = "[sms]\ndriver = \"aliyun\"\nsignature = \"S\"\ncode_template = \"SMS_1\"\n[sms.aliyun]\naccess_key_id = \"id\"\naccess_key_secret = \"key\"\n";
    let SmsDriver::Aliyun(config) = parse(aliyun).unwrap().sms.unwrap().driver else { panic!("another driver") };
    assert_eq!(config.url, "https://dysmsapi.aliyuncs.com");
    assert!(!format!("{config:?}").contains("key\""), "the secret is hidden");
    let smpp = "[sms]\ndriver = \"smpp\"\n[sms.smpp]\nhost = \"smsc\"\nsystem_id = \"pbx\"\npassword = \"p\"\nsource = \"Shop\"\n";
    let SmsDriver::Smpp(config) = parse(smpp).unwrap().sms.unwrap().driver else { panic!("another driver") };
    assert_eq!((config.source_ton, config.source_npi, config.port), (5, 0, 2775));
    for (text, problem) in [
        (aliyun.replace("signature = \"S\"\n", ""), "1: `sms`: the driver \"aliyun\" needs `signature`"),
        (
            aliyun.replace("access_key_id = \"id\"\n", ""),
            "5: `sms`: the driver \"aliyun\" needs `aliyun.access_key_id`",
        ),
        (smpp.replace("host = \"smsc\"\n", ""), "3: `sms`: the driver \"smpp\" needs `smpp.host`"),
        (smpp.replace("\"pbx\"", "\"a-name-that-is-too-long\""), "5: `sms.smpp.system_id`: at most 15 characters"),
    ] {
        let told = refused(&text);
        assert!(told.contains(problem), "{problem} in {told}");
    }
}
