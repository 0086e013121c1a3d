"""The small networks that find people: body, person's pixels, faces, face mesh and hands, behind one door with two runtimes.

They need no download where mediapipe 0.10 can be installed, whose wheel contains them; elsewhere LiteRT runs the same files.
"""

from pipeline.core.people_networks.contract import FACE_OVAL, PACKAGES, PeopleNetworks, SeenPose
from pipeline.core.people_networks.door import people_networks, runtime_here, use_weights

__all__ = ["FACE_OVAL", "PACKAGES", "PeopleNetworks", "SeenPose", "people_networks", "runtime_here", "use_weights"]
