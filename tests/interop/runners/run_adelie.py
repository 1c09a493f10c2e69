"""Programs that use adelie."""

from _printed import answer

answer("adelie", "numpy")
