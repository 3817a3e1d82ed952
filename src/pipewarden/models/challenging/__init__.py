"""Versions that are tried beside the champion: begun, judged, stopped on harm, promoted."""
