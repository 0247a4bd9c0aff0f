"""What the one file is made of, as a CycloneDX document (an SBOM), by OWASP's own library, checked by its validator.

It is the same, byte for byte, for the same file: its time is that of the sources, its number follows from its content.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from components import Component as Part
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalEntity
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL


def document(program: Path, version: str, parts: list[Part], made: int) -> str:
    """`made` is in seconds since 1970. SystemExit where the validator finds a fault."""
    bom = Bom()
    content = hashlib.sha256(program.read_bytes()).hexdigest()
    bom.serial_number = uuid5(NAMESPACE_URL, f"pkg:generic/pydrop@{version}?checksum=sha256:{content}")
    bom.metadata.timestamp = datetime.fromtimestamp(made, UTC)
    licences = LicenseFactory()
    whole = bom.metadata.component = Component(
        name="pydrop",
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref="pydrop",
        purl=PackageURL("generic", None, "pydrop", version),
        licenses=[licences.make_from_string("MIT")],
        hashes=[sha256(content)],
    )
    held = [component(part, licences) for part in parts]
    bom.components.update(held)
    bom.register_dependency(whole, held)
    text = f"{JsonV1Dot6(bom).output_as_string(indent=2)}\n"
    if faults := found(text):
        raise SystemExit(f"onefile: the SBOM is no valid one: {faults}")
    return text


def component(part: Part, licences: LicenseFactory) -> Component:
    """Its hashes are those of its sources, each with the file's name."""
    sources = [
        ExternalReference(
            type=ExternalReferenceType.SOURCE_DISTRIBUTION,
            url=XsUri(part.purl),
            comment=name,
            hashes=[sha256(digest)],
        )
        for name, digest in sorted(part.files.items())
    ]
    home = ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(part.home))
    return Component(
        name=part.name,
        version=part.version,
        bom_ref=part.name,
        supplier=OrganizationalEntity(name=part.supplier),
        licenses=[licences.make_from_string(part.licence)],
        purl=PackageURL.from_string(part.purl),
        cpe=part.cpe or None,
        external_references=[home, *sources],
    )


def sha256(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def found(text: str) -> str:
    """The first fault that the validator of the format's own makers finds; "" where there is none."""
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    return str(fault) if fault else ""
