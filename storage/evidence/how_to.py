"""VERIFY.txt: how anybody checks a package with public tools. Words only.

Every command in it is run by the tests as it stands.
"""

from __future__ import annotations

from storage.evidence.stated import Stated

TEXT = """\
HOW TO CHECK THIS PACKAGE                                                       如何核验本证据包

Digest of the package / 证据包摘要 (SHA-256 of manifest.json):
    {digest}
Signed under the root certificate of / 根证书: {site}
    SHA-256 {fingerprint}

The root certificate lies beside, and could be anybody's: compare its fingerprint with the one that
the sender publishes or has given you before.
根证书附在包内，任何人都可自制：请与发送方公布或此前提供的指纹核对。

1. In a browser / 用浏览器: unpack the ZIP, open index.html, choose "Verify this folder".
   解压后打开 index.html，点击“核验此文件夹”。

2. With PackWitness / 使用 PackWitness:

       packwitness verify evidence-....zip

3. With public tools: unpack the ZIP and open a terminal in its folder.
   使用通用工具：解压后在此文件夹打开终端。

   a) The signature of the lists, then the lists (every line must say OK):
      先核对清单的签名，再核对清单（每一行都必须显示 OK）：

       openssl cms -verify -binary -inform DER -in tagmanifest-sha256.txt.p7s \\
         -content tagmanifest-sha256.txt -CAfile certificates/root.pem -out verified.txt
       sha256sum -c tagmanifest-sha256.txt
       sha256sum -c manifest-sha256.txt

      (macOS: shasum -a 256 -c. After the signer's certificate has expired: -no_check_time.)
      Windows (PowerShell), nothing may be printed / 不应有任何输出:
       foreach ($list in 'tagmanifest-sha256.txt', 'manifest-sha256.txt') {{
         Get-Content $list | ForEach-Object {{ $hash, $name = $_ -split '  ', 2
           if ((Get-FileHash $name -Algorithm SHA256).Hash -ne $hash) {{ "CHANGED: $name" }} }} }}

      No file may be there that no list names, but tagmanifest-sha256.txt and its .p7s.
      除 tagmanifest-sha256.txt 及其 .p7s 外，不得有清单以外的文件。

   b) The package is a BagIt bag (RFC 8493) / 本包为 BagIt 格式:

       bagit.py --validate .

   c) The signature of manifest.json, which tells everything / manifest.json 的签名:

       openssl cms -verify -binary -inform DER -in manifest.json.p7s \\
         -content manifest.json -CAfile certificates/root.pem -out verified.json

   d) The time stamp, where there is one; TSA.pem is the authority's root certificate.
      时间戳（如有）；TSA.pem 为时间戳机构的根证书:

       openssl ts -verify -data manifest.json -in manifest.json.tsr -CAfile TSA.pem

4. That the evidence was sealed then, and not made later: each data/.../*.json is signed by the key
   of the archive that sealed it (KEY: "key" of the entry in manifest.json, part "ledger").
   证据当时即已封存：data/ 中每个 .json 由档案密钥签名:

       openssl pkeyutl -verify -pubin -inkey keys/KEY.pem -rawin \\
         -in data/ID/session.json -sigfile data/ID/session.sig

   The ledger's entries in manifest.json: SHA-256(previous + body) = hash. An entry names the
   SHA-256 of the .json that it is about. "path" leads from SHA-256(00 + body) to the "tree" of
   ledger/<checkpoint>.json as in RFC 6962, and that file is signed in the same way.
   账本条目：SHA-256(previous + body) = hash；
   "path" 按 RFC 6962 通向 ledger/ 中已签名检查点的 "tree"。

5. That the archive still has the same past / 档案历史未被改写:

       packwitness verify --archive DIR --against evidence-....zip
"""


def how_to(stated: Stated) -> str:
    """The content of VERIFY.txt."""
    digits = stated.root_sha256.upper()
    fingerprint = " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
    return TEXT.format(digest=stated.digest, site=stated.site, fingerprint=fingerprint)
