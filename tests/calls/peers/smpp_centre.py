"""A short message centre by smpp34, an SMPP stack that is not ours: it takes every message and tells of each as a line of JSON.

    smpp_centre.py PORT

A message to a number that ends in 9 is refused (ESME_RINVDSTADR), one to a number that ends in 8 throttled (ESME_RTHROTTLED).
"""

import asyncio
import json
import sys

import smpp34


def tell(**what):
    print(json.dumps(what), flush=True)


async def main():
    server = smpp34.Server("127.0.0.1", int(sys.argv[1]), system_id="centre")
    await server.start()
    tell(event="listening")
    count = 0
    while True:
        event = await server.next()
        if isinstance(event, smpp34.Esme):
            tell(event="bound", system_id=event.system_id, receives=event.can_receive)
        elif isinstance(event, smpp34.Unbound):
            tell(event="unbound")
        elif isinstance(event, smpp34.SubmitSmEvent):
            if event.destination_addr.endswith("9"):
                await settle(event.reject(smpp34.ESME_RINVDSTADR))
                continue
            if event.destination_addr.endswith("8"):
                await settle(event.reject(smpp34.ESME_RTHROTTLED))
                continue
            count += 1
            await settle(event.accept(f"m{count}"))
            payload = next((tlv.value for tlv in event.tlvs if tlv.tag == smpp34.TLV_MESSAGE_PAYLOAD), b"")
            tell(
                event="message",
                source=[event.source_addr_ton, event.source_addr_npi, event.source_addr],
                to=[event.dest_addr_ton, event.dest_addr_npi, event.destination_addr],
                esm_class=event.esm_class,
                data_coding=event.data_coding,
                short=bytes(event.short_message).hex(),
                payload=bytes(payload).hex(),
            )


async def settle(done):
    if asyncio.iscoroutine(done) or asyncio.isfuture(done):
        await done


asyncio.run(main())
