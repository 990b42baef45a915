"""DXF files to parts in millimetres; every use of ezdxf is here."""
