//! The switch's counters and table sizes under the names that `/metrics` shows.

use metrics::counter;
use switch::switch::Switch;

use crate::gauge;

/// Shows them all. Called once a second at most.
pub(super) fn show(switch: &Switch) {
    let m = switch.metrics();
    let counters = [
        ("switchboard_calls_created_total", m.calls_created),
        ("switchboard_calls_answered_total", m.calls_answered),
        ("switchboard_calls_resumed_total", m.calls_resumed),
        ("switchboard_flow_faults_total", m.flow_faults),
        ("switchboard_calls_ended_total", m.calls_ended),
        ("switchboard_refused_calls_full_total", m.refused_calls_full),
        ("switchboard_refused_by_hook_total", m.refused_by_hook),
        ("switchboard_hook_lookups_late_total", m.lookups_late),
        ("switchboard_refused_ports_exhausted_total", m.refused_ports_exhausted),
        ("switchboard_refused_not_admitted_total", m.refused_not_admitted),
        ("switchboard_refused_transactions_full_total", m.refused_transactions_full),
        ("switchboard_refused_banned_total", m.refused_banned),
        ("switchboard_refused_trunk_inbound_total", m.refused_trunk_inbound),
        ("switchboard_refused_trunk_outbound_total", m.refused_trunk_outbound),
        ("switchboard_refused_malformed_total", m.refused_malformed),
        ("switchboard_dropped_malformed_total", m.dropped_malformed),
        ("switchboard_auth_failures_total", m.auth_failures),
        ("switchboard_auth_challenges_total", m.auth_challenges),
        ("switchboard_bans_total", m.bans),
        ("switchboard_registrations_bound_total", m.registrations_bound),
        ("switchboard_contacts_replaced_total", m.contacts_replaced),
        ("switchboard_bind_failures_total", m.bind_failures),
        ("switchboard_media_close_timeouts_total", m.media_close_timeouts),
        ("switchboard_refused_subscriptions_full_total", m.refused_subscriptions_full),
        ("switchboard_sip_notifies_total", m.notifies_sent),
        ("switchboard_sip_notifies_failed_total", m.notifies_failed),
        ("switchboard_browsers_gone_total", m.browsers_gone),
        ("switchboard_browsers_away_total", m.browsers_away),
        ("switchboard_browsers_back_total", m.browsers_back),
        ("switchboard_browsers_unproven_total", m.browsers_unproven),
    ];
    for (name, value) in counters {
        counter!(name).absolute(value);
    }
    let sizes = switch.sizes();
    let gauges = [
        ("switchboard_transactions_pending", sizes.pending_transactions),
        ("switchboard_transactions_finished", sizes.finished_transactions),
        ("switchboard_endpoints", sizes.endpoints),
        ("switchboard_rtp_ports_free", sizes.free_ports),
        ("switchboard_recordings_running", sizes.recordings),
        ("switchboard_timers", sizes.timers),
        ("switchboard_sip_subscriptions", sizes.subscriptions),
    ];
    for (name, value) in gauges {
        gauge::set(name, value);
    }
}
