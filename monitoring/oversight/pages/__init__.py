"""The pages of the site, one file each; a file with a ``PAGE`` is part of the site."""
