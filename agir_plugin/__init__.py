"""agir-plugin: MDS-UPDRS gait scores with checked rationales, as a plugin of MotionGPT."""

__version__ = "0.1.0"
