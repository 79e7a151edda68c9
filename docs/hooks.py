"""What building the documentation as a site adds to ProperDocs."""

import re

import mmdr

MERMAID = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Replace each Mermaid diagram by its drawing, so that readers need no script from another host."""
    return MERMAID.sub(lambda found: f'<div class="diagram">{mmdr.render(found[1]).svg()}</div>', markdown)
