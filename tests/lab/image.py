# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest's kernel and initramfs: busybox, sg3-utils and the SCSI modules.

The kernel is where tools/install-deps unpacked it.  The initramfs is made here
from the machine's own programs and kept beside the kernel under a name that
tells what it was made of, so it is made once and never stale.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("PRM_LAB_CACHE")
                     or "/var/cache/pr-manager-lab")
KERNEL = CACHE / "kernel"

MODULES = ["virtio_pci", "virtio_scsi", "sd_mod", "sg"]
TOOLS = ["sg_persist", "sg_raw", "sg_turs", "sg_inq", "sg_requests",
         "sg_readcap"]


def kernel():
    """The kernel image, or None when install-deps did not run."""
    return next(iter(sorted(KERNEL.glob("boot/vmlinuz-*"))), None)


def _modules(version):
    """Files of the modules and of all they need, in loading order."""
    files = []
    for module in MODULES:
        shown = subprocess.run(
            ["modprobe", "-d", KERNEL, "-S", version, "--show-depends",
             module], check=True, capture_output=True, text=True).stdout
        for line in shown.splitlines():
            kind, _, name = line.partition(" ")
            if kind == "insmod" and name.strip() not in files:
                files.append(name.strip())
    return [pathlib.Path(name) for name in files]


def _tools():
    """Program files by their place in the guest, libraries included."""
    files = {"/bin/busybox": pathlib.Path(shutil.which("busybox"))}
    for tool in TOOLS:
        program = pathlib.Path(shutil.which(tool))
        files[f"/usr/bin/{tool}"] = program
        shown = subprocess.run(["ldd", program], check=True,
                               capture_output=True, text=True).stdout
        for library in re.findall(r"(/\S+) \(0x", shown):
            files[library] = pathlib.Path(library)
    return files


def _name(sources):
    digest = hashlib.sha256()
    for source in sources:
        stat = source.resolve().stat()
        digest.update(f"{source} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    for text in (__file__, HERE / "guest-init.sh"):
        digest.update(pathlib.Path(text).read_bytes())
    return f"initrd-{digest.hexdigest()[:16]}.gz"


def _copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def _fill(root, modules, tools):
    for module in modules:
        _copy(module, root / "modules" / module.name)
    (root / "modules" / "order").write_text(
        "".join(f"{module.name}\n" for module in modules))
    for place, source in tools.items():
        _copy(source, root / place[1:])
    _copy(HERE / "guest-init.sh", root / "init")
    (root / "init").chmod(0o755)


def _pack(root, target):
    """A cpio archive under a temporary name, then renamed when complete."""
    # Two files of tests may be about to start, each on a thread of its own.
    partial = target.with_name(
        f"{target.name}.{os.getpid()}.{threading.get_ident()}")
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    archive = subprocess.run(
        ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=root,
        input="\n".join(names).encode(), check=True, capture_output=True)
    with open(partial, "wb") as file:
        subprocess.run(["gzip", "-1"], input=archive.stdout, stdout=file,
                       check=True)
    partial.rename(target)


def build():
    """(kernel, initramfs), made now if need be."""
    image = kernel()
    modules = _modules(image.name.partition("-")[2])
    tools = _tools()
    target = CACHE / _name([*modules, *tools.values()])
    if not target.exists():
        with tempfile.TemporaryDirectory(prefix="pr-initrd-") as folder:
            _fill(pathlib.Path(folder), modules, tools)
            _pack(pathlib.Path(folder), target)
    return image, target


def environment():
    """What tells guest.py inside the lab where these files are."""
    if not kernel():
        return {}
    image, initrd = build()
    return {"PRM_GUEST_KERNEL": str(image), "PRM_GUEST_INITRD": str(initrd)}
