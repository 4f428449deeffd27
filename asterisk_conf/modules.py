"""The modules our Asterisk loads, and no others: what is not loaded listens nowhere and cannot be attacked."""

from pathlib import Path

MODULES = (
    # media: what phones and the trunk speak, our sounds, recognition's 16 kHz
    "codec_a_mu",
    "codec_alaw",
    "codec_g722",
    "codec_resample",
    "codec_ulaw",
    "format_wav",
    "res_rtp_asterisk",
    "res_timing_timerfd",
    # SIP
    "chan_pjsip",
    "res_pjproject",
    "res_pjsip",
    "res_pjsip_acl",
    "res_pjsip_authenticator_digest",
    "res_pjsip_caller_id",
    "res_pjsip_dtmf_info",
    "res_pjsip_empty_info",
    "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_endpoint_identifier_user",
    "res_pjsip_logger",  # `pjsip set logger on`, to look into a trunk
    "res_pjsip_nat",
    "res_pjsip_outbound_authenticator_digest",
    "res_pjsip_pubsub",  # chan_pjsip will not load without it
    "res_pjsip_registrar",
    "res_pjsip_rfc3326",
    "res_pjsip_sdp_rtp",
    "res_pjsip_session",
    "res_sorcery_astdb",
    "res_sorcery_config",
    "res_sorcery_memory",
    # dialplan
    "app_echo",
    "app_mixmonitor",
    "app_playback",
    "app_record",
    "app_stasis",
    "func_callerid",
    "func_cdr",
    "func_channel",
    "func_strings",  # CSV_QUOTE of the call records
    "func_uuid",
    "pbx_config",
    "res_agi",
    "res_speech",  # res_agi will not load without it
    # call control from outside
    "bridge_holding",
    "bridge_simple",
    "bridge_softmix",
    "chan_bridge_media",
    "chan_rtp",
    "res_rtp_multicast",  # chan_rtp will not load without it
    "res_ari",
    "res_ari_applications",
    "res_ari_asterisk",
    "res_ari_bridges",
    "res_ari_channels",
    "res_ari_endpoints",
    "res_ari_events",
    "res_ari_model",
    "res_ari_playbacks",
    "res_http_websocket",
    "res_websocket_client",  # res_ari will not load without it
    "res_musiconhold",
    "res_stasis",
    "res_stasis_answer",
    "res_stasis_playback",
    "res_stasis_recording",
    "res_stasis_snoop",
    # records
    "cdr_custom",
    "cel_custom",
    "res_cdrel_custom",
    "res_security_log",
)

OPTIONAL = ("res_prometheus",)  # Asterisk's own figures beside ours, on its loopback HTTP server
"""Modules a build may leave out; nothing but themselves depends on them."""


def present(folder: Path) -> tuple[str, ...]:
    """The modules to load from `folder`: all that are needed, and the optional ones it has."""
    return MODULES + tuple(name for name in OPTIONAL if (folder / f"{name}.so").is_file())
