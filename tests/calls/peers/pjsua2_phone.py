"""One PJSUA2 phone in one process, driven by lines of JSON over a TCP connection, without a sound card.

    pjsua2_phone.py CONTROL_PORT SIP_PORT SERVER USER PASSWORD SPEECH.wav HEARD.wav

It speaks SPEECH.wav into every call and writes what it hears to HEARD.wav. Commands are objects with "do"; what happens is
told as objects with "event".
"""

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

    def onIncomingCall(self, prm):
        line = Line(self.phone, prm.callId)
        self.phone.tell("ringing", call=line.number)


class Phone:
    def __init__(self, control, sip_port, server, user, password, speech, heard):
        self.lines = []
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
