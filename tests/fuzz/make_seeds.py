#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Writes the seeds of the binary formats to tests/fuzz/corpus; the others are plain text, written by hand.

Run it again after a format changed; what it does not know (what fuzzing found) it leaves alone.
"""
import pathlib
import struct

corpus = pathlib.Path(__file__).resolve().parent / "corpus"


def write(target, name, data):
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def u8(value):
    return struct.pack("<B", value)


def u16(value):
    return struct.pack("<H", value)


def u32(value):
    return struct.pack("<I", value & 0xFFFFFFFF)


def u64(value):
    return struct.pack("<Q", value & 0xFFFFFFFFFFFFFFFF)


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return u32(len(data)) + data


def wide(value):
    return (value + "\0").encode("utf-16-le")


# --- host frames: docs/processes.md; the first byte says in pieces of how many bytes the stream arrives -------------
def frame(kind, body=b"", request=0):
    return u32(len(body)) + u32(kind) + u32(request) + body


def bag(*values):
    return u32(len(values)) + b"".join(text(n) + u32(t) + text(d) for n, t, d in values)


ABSENT = 0xFFFFFFFF
port = bag(("Path", 1, wide("/data")), ("Port", 4, u32(8080)), ("Gone", ABSENT, b""))
frames = {
    "hello": frame(1, u32(1) + u32(1) + text("holdfast 0.1.0") + u64(4711)),
    "refuse": frame(2, text("the versions do not meet")),
    "add": frame(10, u32(1) + text("shop") + text("SQLite Database") + text("/lib/sqlite.so") + text("Resources\\shop") + u32(0)),
    "add-path-no-utf8": frame(10, u32(1) + text("shop") + text("Disk") + text(b"C:\\lib\xff\xfe\xc3.dll") + text("Resources\\shop") + u32(0)),
    "add-path-utf8": frame(10, u32(1) + text("shop") + text("Disk") + text("C:\\Gr\u00f6\u00dfe\\\u65e5\u672c.dll") + text("Resources\\shop") + u32(0)),
    "store": frame(11, u32(1) + port + u32(3)),
    "store-type": frame(18, u32(1) + port + u32(0)),
    "changed": frame(36, u32(1) + port + u32(7)),
    "call": frame(12, u32(1) + u32(8) + u64(5) + u32(0x01000081) + text(u32(0)) + u32(4096)),
    "depends": frame(19, u32(1) + u32(1) + text("disk") + text("Physical Disk") + port),
    "returned": frame(30, u32(1) + u32(3) + u64(5) + u32(0) + u32(997) + u8(1) + u8(1) + u8(0) + text("") + u32(1)
                      + text("odd but accepted") + text(b"\1\2") + u64(2) + u64(77) + u64(123456789) + u64(1000)),
    "status": frame(31, u32(1) + u32(129) + u32(3) + u8(0) + u8(1) + u32(500), 9),
    "watch": frame(13, u32(1) + u64(5)),
    "failed": frame(35, u32(1) + u32(1) + u32(5)),
    "alarm": frame(37, u32(1) + text("Online was late")),
}
for name, data in frames.items():
    write("host_frames", name + ".bin", u8(0) + data)
write("host_frames", "conversation-by-7.bin", u8(7) + b"".join(frames.values()))
write("host_frames", "conversation-by-1.bin", u8(1) + b"".join(frames.values()))
write("host_frames", "bad-length.bin", u8(0) + u32(0x7FFFFFFF) + u32(1) + u32(0))
write("host_frames", "bad-kind.bin", u8(5) + frames["hello"] + frame(0x10001))
write("host_frames", "bad-cut.bin", u8(3) + frames["add"][:-3])
write("host_frames", "bad-text-beyond.bin", u8(0) + frame(1, u32(1) + u32(1) + u32(900) + b"short"))
write("host_frames", "newer-fields.bin", u8(0) + frame(1, u32(1) + u32(2) + text("holdfast 9") + u64(1) + text("new")))


# --- flight recorder: docs/flight-recorder.md; the first byte says in which region of the memory it lies ------------
def recorder(entries, names=(), layout=1, next_number=None, places=None):
    places = places or max(1, len(entries))
    slots = max(1, len(names))
    header = [0] * 32
    header[4] = layout | 256 << 32
    header[5] = 128 | places << 32
    header[6] = 64 | slots << 32
    header[7] = 4711
    header[8] = 1_000_000_000
    header[9] = 1_795_000_000_000_000_000
    header[10] = len(names)
    header[16] = len(entries) if next_number is None else next_number
    data = b"HOLDFAST FLIGHT RECORDER".ljust(32, b"\0") + b"".join(u64(w) for w in header[4:])
    for number, name in enumerate(names, 1):
        data += u64(number) + name.encode().ljust(56, b"\0")
    data += b"\0" * (64 * (slots - len(names)))
    for index, (kind, phase, subject, resource, code, value, said) in enumerate(entries):
        data += (u64(2 * index + 2) + u64(1_000_000_000 + index * 1_000_000) + u64(resource | 99 << 32)
                 + u64(kind | phase << 8 | subject << 16 | code << 32) + u64(1) + u64(value) + said.encode().ljust(80, b"\0"))
    return data + b"\0" * (128 * (places - len(entries)))


run = [(1, 1, 4, 1, 0, 0, ""), (3, 1, 12, 1, 0, 0, ""), (4, 0, 12, 1, 0, 0, "opening the database"), (6, 1, 19, 1, 0, 2, ""),
       (6, 2, 19, 1, 0, 2, ""), (3, 2, 12, 1, 0, 900_000, ""), (1, 2, 4, 1, 997, 1_000_000, ""), (5, 0, 15, 1, 2, 0, "no answer"),
       (8, 0, 4, 1, 0, 400_000_000, ""), (9, 0, 12, 1, 0, 0, "it does not end"), (10, 0, 0, 0, 0, 9_000_000, ""),
       (13, 0, 0, 1, 0, 0, "Online was late")]
write("flight", "run.bin", u8(1) + recorder(run, ["shop"]))
write("flight", "of-the-host.bin", u8(0) + recorder(run, ["shop"]))
write("flight", "wrapped.bin", u8(2) + recorder(run, ["shop"], next_number=40))
write("flight", "newer-layout.bin", u8(1) + recorder(run, ["shop"], layout=2))
write("flight", "nobody.bin", u8(1) + recorder([], []))
write("flight", "cut.bin", u8(1) + recorder(run, ["shop"])[:400])
write("flight", "many-places.bin", u8(4) + recorder(run, ["a", "b"], places=100_000)[:2000])
write("flight", "stacks.bin", u8(0) + b'{"record":"stack","thread":5,"threadName":"x","frames":["main","start"]}\n{"record":"sta')

# --- control calls: order, code, how, size of the output, size and bytes of the input -------------------------------
CODES = 0xFF  # a whole code follows


def call(code, output=0, data=b"", how=0):
    return u8(0) + u8(CODES) + u32(code) + u8(how) + u16(output) + u16(len(data)) + data


def listed(*properties):
    data = u32(len(properties))
    for name, kind, value in properties:
        for syntax, part in ((0x00040003, wide(name)), (0x00010000 | kind, value)):
            data += u32(syntax) + u32(len(part)) + part + b"\0" * (-len(part) % 4)
        data += u32(0)
    return data


SET, VALIDATE, GET, FMTS, ENUM = 0x01400086, 0x01000089, 0x01000081, 0x0100008D, 0x01000079
good = listed(("Port", 2, u32(8080)), ("Path", 3, wide("/other")), ("Replicas", 5, wide("a") + wide("b") + wide("")[:2]))
write("control", "get-twice.bin", call(GET, 0) + call(GET, 4096))
write("control", "set-get.bin", call(SET, 0, good) + call(GET, 4096))
write("control", "set-online-get.bin", b"N" + call(SET, 0, good) + call(GET, 4096) + b"F" + call(SET, 0, good))
write("control", "set-unaligned.bin", call(SET, 0, good, 8))
write("control", "set-cut.bin", call(SET, 0, good[:-6]) + call(SET, 0, good[:20]) + call(SET, 0, b""))
write("control", "set-against-rule.bin", call(SET, 0, listed(("Port", 2, u32(70000)))) + call(SET, 0, listed(("Port", 3, wide("80")))))
write("control", "set-against-validator.bin", call(SET, 0, listed(("Port", 2, u32(666)))))
write("control", "set-read-only.bin", call(SET, 0, listed(("Edition", 3, wide("x")))))
write("control", "set-secret.bin", call(SET, 0, listed(("Password", 3, wide("hush")))) + call(GET, 4096))
write("control", "set-two-values.bin", call(SET, 0, listed(("Unknown", 4, wide("%A%")))[:-4] + u32(0x00010008) + u32(4) + wide("b") + u32(0)))
write("control", "validate.bin", call(VALIDATE, 0, good) + call(VALIDATE, 0, b"\xFF" * 64))
write("control", "formats-and-names.bin", call(FMTS, 4096) + call(ENUM, 4096) + call(0x01000005, 4) + call(0x0100000D, 8) + call(0x01000011, 512))
write("control", "notices.bin", call(0x01500026, 0, wide("renamed")) + call(0x01500012, 0, wide("disk")) + call(0x0150004E, 0, u32(12) + u32(1) + u32(2)))
write("control", "own-codes.bin", call(0x01800005, 64) + call(0x0180000A) + call(0x0180000C, 64, b"echo"))
write("control", "of-the-type.bin", call(0x02400086, 0, good) + call(0x02000081, 4096) + call(0x02000079, 4096) + call(0x02800005, 64))
write("control", "unknown-codes.bin", call(0xFFFFFFFF, 16) + call(0x0100BEEF, 16, b"x") + call(0x03000000) + call(0))
write("control", "null-pointers.bin", call(GET, 64, b"", 7) + call(SET, 0, good, 5) + call(GET, 4096, b"", 2))

# --- registry values: type, expected format, bytes -------------------------------------------------------------------
for name, kind, expected, data in (
        ("sz", 1, 3, wide("value")), ("sz-open", 1, 3, wide("value")[:-2]), ("sz-odd", 1, 3, b"a\0b"),
        ("expand-sz", 2, 4, wide("%TEMP%\\x")), ("multi-sz", 7, 5, wide("a") + wide("bc") + b"\0\0"),
        ("multi-sz-open", 7, 5, wide("a") + "b".encode("utf-16-le")), ("dword", 4, 2, u32(7)), ("long", 4, 7, u32(-2)),
        ("dword-short", 4, 2, b"\1\2\3"), ("qword", 11, 6, u64(1 << 40)), ("large", 11, 10, u64(-1)), ("file-time", 11, 12, u64(5)),
        ("binary", 3, 1, b"\0\1\2"), ("security", 3, 9, b"\1\0\4\x80"), ("foreign", 8, 3, b"link"), ("surrogate", 1, 3, b"\0\xD8\0\0"),
        ("utf8", 3, 1, "Grüße 🙂".encode()), ("no-utf8", 3, 1, b"\xC0\x80\xED\xA0\x80\xFF")):
    write("registry_value", name + ".bin", u32(kind) + u16(expected) + data)

# --- reaper: numbers in the machine's order ----------------------------------------------------------------------------
order = (text("/bin/sleep") + u32(1) + text("1000") + u32(2) + text("PATH=/bin") + text("X=1") + text("/tmp") + u8(1) + u32(1000) + u32(1000)
         + u32(2) + u32(4) + u32(27) + u32(1) + u32(7) + u64(1024) + u64(4096) + u32(18) + u32(200) + u32(20) + u8(1) + text("finger"))
status = u8(2) + u32(4711) + u64(123456) + u8(1) + u8(0) + text("finger") + text("/bin/sleep") + u8(0) + u32(0) + u8(0) + text("")
write("reaper_wire", "order.bin", order)
write("reaper_wire", "order-cut.bin", order[:-1])
write("reaper_wire", "order-of-nothing.bin", text("") + order[14:])
write("reaper_wire", "order-many-arguments.bin", text("/bin/true") + u32(0x7FFFFFFF) + text("a"))
write("reaper_wire", "status.bin", status)
write("reaper_wire", "status-exited.bin", u8(3) + status[1:-9] + u8(1) + u32(9) + u8(1) + text("core"))
write("reaper_wire", "status-no-phase.bin", u8(9) + status[1:])


# --- OCF: the action, then the environment -----------------------------------------------------------------------------
def ocf(action, *environment):
    return b"\0".join(part.encode() if isinstance(part, str) else part for part in (action, *environment)) + b"\0"


usual = ("OCF_RA_VERSION_MAJOR=1", "OCF_RESOURCE_INSTANCE=shop", "OCF_RESOURCE_TYPE=server", "OCF_RESOURCE_PROVIDER=holdfast",
         "OCF_RESKEY_CRM_meta_timeout=20000", "OCF_RESKEY_CRM_meta_interval=10000", "OCF_RESKEY_crm_feature_set=3.16.2",
         "PCMK_service=pacemaker-execd", "HA_LOGFACILITY=daemon", "PCMK_logfile=/var/log/pacemaker.log", "HA_debug=0")
write("ocf", "start", ocf("start", *usual, "OCF_RESKEY_Path=/data", "OCF_RESKEY_Port=8080", "OCF_RESKEY_Patience=5 s"))
write("ocf", "monitor-every-type", ocf("monitor", *usual, "OCF_RESKEY_Path=/data", "OCF_RESKEY_Fast=yes", "OCF_RESKEY_Offset=-3",
                                       "OCF_RESKEY_Most=18446744073709551615", "OCF_RESKEY_Bias=-7", "OCF_RESKEY_Patience=3min",
                                       "OCF_RESKEY_Replicas=a 'b c' \"d\"", "OCF_RESKEY_Password=hush", "OCF_CHECK_LEVEL=10"))
write("ocf", "status-by-hand", ocf("status"))
write("ocf", "nothing", b"")
write("ocf", "wrong-values", ocf("start", "OCF_RESKEY_Port=70000", "OCF_RESKEY_Fast=perhaps"))
write("ocf", "too-large", ocf("start", "OCF_RESKEY_Bias=99999999999", "OCF_RESKEY_Patience=4294967295h"))
write("ocf", "wrong-case", ocf("start", "OCF_RESKEY_path=/data"))
write("ocf", "read-only", ocf("start", "OCF_RESKEY_Edition=x"))
write("ocf", "open-quote", ocf("start", "OCF_RESKEY_Replicas='a"))
write("ocf", "secret-refused", ocf("start", b"OCF_RESKEY_Password=\xFF\xFE", "OCF_RESKEY_InstantFailure=notify"))
write("ocf", "odd-numbers", ocf("monitor", "OCF_RESKEY_CRM_meta_timeout=soon", "OCF_CHECK_LEVEL=-1", "OCF_RA_VERSION_MAJOR=2"))
write("ocf", "message", b"protocol=1\0order=monitor\0p:Path=/data\0reason=\0")
write("ocf", "message-open", b"protocol=1\0order")

# --- property lists for the table of resutils_fuzz.cpp (section 6) ------------------------------------------------
def entry(syntax, data):
    return u32(syntax) + u32(len(data)) + data + b"\0" * (-len(data) % 4)


def property_list(*values):
    return u32(len(values)) + b"".join(entry(0x40003, wide(n)) + entry(0x10000 | f, d) + u32(0) for n, f, d in values)


BINARY, DWORD, SZ, EXPAND_SZ, MULTI_SZ, UINT64, LONG = 1, 2, 3, 4, 5, 6, 7
whole = {
    "port": ("Port", DWORD, u32(8080)),
    "offset": ("Offset", LONG, u32(-3)),
    "path": ("Path", SZ, wide("C:\\data")),
    "expanding": ("Expanding", EXPAND_SZ, wide("%SystemRoot%\\x")),
    "blob": ("Blob", BINARY, b"\1\2\3"),
    "names": ("Names", MULTI_SZ, wide("a") + wide("bc") + wide("")[:2]),
    "big": ("Big", UINT64, u64(0x100000001)),
    "unknown": ("Unknown", SZ, wide("kept")),
}
for name, value in whole.items():
    write("resutils", name + ".bin", property_list(value))
write("resutils", "all.bin", property_list(*whole.values()))
write("resutils", "none.bin", property_list())
write("resutils", "empty-values.bin", property_list(("Blob", BINARY, b""), ("Names", MULTI_SZ, b"\0\0"), ("Expanding", EXPAND_SZ, wide(""))))
write("resutils", "bad-required-empty.bin", property_list(("Path", SZ, wide(""))))
write("resutils", "bad-range.bin", property_list(whole["blob"], ("Port", DWORD, u32(65536))))
write("resutils", "bad-range-signed.bin", property_list(("Offset", LONG, u32(-11))))
write("resutils", "bad-format.bin", property_list(("Port", SZ, wide("80"))))
write("resutils", "bad-cut.bin", property_list(*whole.values())[:-5])
write("resutils", "bad-count.bin", u32(9) + property_list(*whole.values())[4:])
write("resutils", "long-name.bin", property_list(whole["port"], ("N" * 300, DWORD, u32(1))))
