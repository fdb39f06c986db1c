"""One PJSUA2 phone in one process, driven by lines of JSON over a TCP connection, without a sound card.

    pjsua2_phone.py CONTROL_PORT SIP_PORT SERVER USER PASSWORD SPEECH.wav HEARD.wav

It speaks SPEECH.wav into every call and writes what it hears to HEARD.wav. Commands are objects with "do"; what happens is
told as objects with "event".
"""

import ctypes
import json
import queue
import socket
import sys
import threading

import pjsua2 as pj

STATES = {
    pj.PJSIP_INV_STATE_CALLING: "calling",
    pj.PJSIP_INV_STATE_INCOMING: "incoming",
    pj.PJSIP_INV_STATE_EARLY: "early",
    pj.PJSIP_INV_STATE_CONNECTING: "connecting",
    pj.PJSIP_INV_STATE_CONFIRMED: "confirmed",
    pj.PJSIP_INV_STATE_DISCONNECTED: "disconnected",
}


class Text(ctypes.Structure):
    """pj_str_t"""

    _fields_ = [("ptr", ctypes.c_void_p), ("length", ctypes.c_ssize_t)]

    def __str__(self):
        return ctypes.string_at(self.ptr, self.length).decode() if self.ptr and self.length > 0 else ""


class LampInfo(ctypes.Structure):
    """pjsua_buddy_dlg_event_info of PJSIP 2.15, which PJSUA2 does not hand on to Python: what it read in a dialog-info document."""

    _fields_ = [
        ("id", ctypes.c_int),
        *[
            (name, Text)
            for name in (
                "uri dialog_id info_state entity call_id remote_tag local_tag direction state duration local local_display"
                " local_target remote remote_display remote_target"
            ).split()
        ],
        ("sub_state", ctypes.c_int),
        ("sub_state_name", ctypes.c_char_p),
        ("sub_term_code", ctypes.c_uint),
        ("sub_term_reason", Text),
        ("buffer", ctypes.c_char * 1024),
    ]


PJSUA = ctypes.CDLL(pj._pjsua2.__file__)


class Lamp(pj.Buddy):
    """A busy lamp: a subscription to the dialogs of an extension (RFC 4235)."""

    def __init__(self, phone, number):
        super().__init__()
        self.phone = phone
        self.number = number
        self.told = None
        config = pj.BuddyConfig()
        config.uri = f"sip:{number}@{phone.server}"
        self.create(phone.account, config)
        self.switch(True)

    def switch(self, on):
        status = PJSUA.pjsua_buddy_subscribe_dlg_event(self.getId(), int(on))
        if status != 0:
            raise ValueError(f"the lamp cannot be switched: {status}")

    def info(self):
        info = LampInfo()
        status = PJSUA.pjsua_buddy_get_dlg_event_info(self.getId(), ctypes.byref(info))
        if status != 0:
            raise ValueError(f"there is no lamp: {status}")
        return info

    def look(self):
        info = self.info()
        now = {
            "subscription": (info.sub_state_name or b"").decode(),
            "entity": str(info.entity),
            "state": str(info.state),
            "direction": str(info.direction),
            "local": str(info.local),
            "remote": str(info.remote),
            "display": str(info.remote_display),
        }
        if now != self.told:
            self.told = now
            self.phone.tell("lamp", number=self.number, **now)

    def replaces(self):
        """The to-tag is that of who receives the INVITE (RFC 3891), which is the far end of the watched phone."""
        info = self.info()
        return f"{info.call_id};to-tag={info.remote_tag};from-tag={info.local_tag};early-only"


class Line(pj.Call):
    def __init__(self, phone, call_id=pj.PJSUA_INVALID_ID):
        super().__init__(phone.account, call_id)
        self.phone = phone
        self.number = len(phone.lines)
        phone.lines.append(self)

    def onCallState(self, prm):
        info = self.getInfo()
        self.phone.tell("state", call=self.number, state=STATES.get(info.state, "none"), code=info.lastStatusCode)

    def onCallMediaState(self, prm):
        info = self.getInfo()
        for index, media in enumerate(info.media):
            if media.type != pj.PJMEDIA_TYPE_AUDIO:
                continue
            if media.status in (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD):
                audio = self.getAudioMedia(index)
                self.phone.speech.startTransmit(audio)
                audio.startTransmit(self.phone.ear)
            self.phone.tell("media", call=self.number, status=media.status)

    def onCallTransferStatus(self, prm):
        self.phone.tell("transfer", call=self.number, code=prm.statusCode, final=bool(prm.finalNotify))

    def onCallReplaced(self, prm):
        self.phone.tell("replaced", call=self.number)


class Account(pj.Account):
    def __init__(self, phone):
        super().__init__()
        self.phone = phone

    def onRegState(self, prm):
        self.phone.tell("registration", code=prm.code)

    def onMwiInfo(self, prm):
        self.phone.tell("messages", text=prm.rdata.wholeMsg.split("\r\n\r\n", 1)[1])

    def onIncomingCall(self, prm):
        line = Line(self.phone, prm.callId)
        self.phone.tell("ringing", call=line.number)


class Phone:
    def __init__(self, control, sip_port, server, user, password, speech, heard):
        self.lines = []
        self.lamps = {}
        self.out = control.makefile("w", encoding="utf-8")
        self.server = server
        self.endpoint = pj.Endpoint()
        self.endpoint.libCreate()
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.logConfig.level = 4
        config.logConfig.consoleLevel = 4
        config.medConfig.noVad = True
        config.medConfig.clockRate = 8000
        config.medConfig.ecTailLen = 0
        self.endpoint.libInit(config)
        self.endpoint.audDevManager().setNullDev()
        transport = pj.TransportConfig()
        transport.port = sip_port
        transport.boundAddress = "127.0.0.1"
        self.endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self.endpoint.libStart()
        for codec in self.endpoint.codecEnum2():
            self.endpoint.codecSetPriority(codec.codecId, 255 if codec.codecId.startswith("PCMU") else 0)
        self.speech = pj.AudioMediaPlayer()
        self.speech.createPlayer(speech, pj.PJMEDIA_FILE_NO_LOOP)
        self.ear = pj.AudioMediaRecorder()
        self.ear.createRecorder(heard)
        account = pj.AccountConfig()
        account.idUri = f"sip:{user}@{server}"
        account.regConfig.registrarUri = f"sip:{server}"
        account.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", user, 0, password))
        account.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
        self.settings = account
        self.account = Account(self)
        self.account.create(account)

    def tell(self, event, **more):
        self.out.write(json.dumps({"event": event, **more}) + "\n")
        self.out.flush()

    def do(self, command):
        what = command["do"]
        prm = pj.CallOpParam(True)
        if what == "call":
            Line(self).makeCall(f"sip:{command['to']}@{self.server}", prm)
            return
        if what == "quit":
            raise SystemExit(0)
        if what == "watch":
            self.lamps[command["number"]] = Lamp(self, command["number"])
            return
        if what == "unwatch":
            self.lamps[command["number"]].switch(False)
            return
        if what == "watch_messages":
            self.settings.mwiConfig.enabled = True
            self.account.modify(self.settings)
            return
        if what == "pick_up":
            header = pj.SipHeader()
            header.hName = "Replaces"
            header.hValue = self.lamps[command["number"]].replaces()
            prm.txOption.headers.append(header)
            Line(self).makeCall(f"sip:{command['number']}@{self.server}", prm)
            return
        line = self.lines[command.get("call", 0)]
        if what == "answer":
            prm.statusCode = command.get("code", 200)
            line.answer(prm)
        elif what == "hold":
            line.setHold(prm)
        elif what == "retrieve":
            prm.opt.flag = pj.PJSUA_CALL_UNHOLD
            line.reinvite(prm)
        elif what == "transfer":
            line.xfer(f"sip:{command['to']}@{self.server}", prm)
        elif what == "transfer_replacing":
            line.xferReplaces(self.lines[command["other"]], prm)
        elif what == "hangup":
            line.hangup(pj.CallOpParam())
        else:
            raise ValueError(f"unknown command {what}")

    def close(self):
        self.speech = None
        self.ear = None
        self.lines.clear()
        self.lamps.clear()
        self.account.shutdown()
        self.endpoint.libDestroy()


def main():
    control_port, sip_port, server, user, password, speech, heard = sys.argv[1:]
    listener = socket.create_server(("127.0.0.1", int(control_port)))
    control, _ = listener.accept()
    commands = queue.Queue()

    def read():
        for line in control.makefile("r", encoding="utf-8"):
            commands.put(json.loads(line))
        commands.put({"do": "quit"})

    threading.Thread(target=read, daemon=True).start()
    phone = Phone(control, int(sip_port), server, user, password, speech, heard)
    try:
        while True:
            phone.endpoint.libHandleEvents(10)
            for lamp in phone.lamps.values():
                lamp.look()
            try:
                command = commands.get_nowait()
            except queue.Empty:
                continue
            try:
                phone.do(command)
                phone.tell("done", do=command["do"])
            except (pj.Error, ValueError) as error:
                reason = error.info() if isinstance(error, pj.Error) else str(error)
                phone.tell("refused", do=command["do"], reason=reason)
    except SystemExit:
        phone.tell("done", do="quit")
    phone.close()


main()
