"""Unpack wheels into a new folder and compile them: FOLDER WHEEL..."""

import compileall
import os
import shutil
import sys
import zipfile

os.umask(0o022)
folder = sys.argv[1]
shutil.rmtree(folder, ignore_errors=True)
for wheel in sys.argv[2:]:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
sys.exit(not compileall.compile_dir(folder, quiet=1))
