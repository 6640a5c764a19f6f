"""
Every frame of a bag, in order, through the pipeline into a new MCAP file.

Nothing depends on the clock or on how fast the machine is: the same bag and model give the
same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from mesh_pose_ros.bag.output import CameraOutput, Copies, Frame
from mesh_pose_ros.bag.reading import Bag, message_of, open_bag, stamp_of
from mesh_pose_ros.bag.salvage import Record
from mesh_pose_ros.bag.streams import Stream, find_streams, guess_camera
from mesh_pose_ros.bag.writing import McapFile
from mesh_pose_ros.errors import BadCameraError, BadImageError
from mesh_pose_ros.geometry.camera import Camera
from mesh_pose_ros.messages.images import to_rgb
from mesh_pose_ros.pipeline.mesh_pose import MeshPose
from mesh_pose_ros.render.json_lines import JsonLines, people_fields

IDS_PER_CAMERA = 100_000  # whom the second camera sees first is number 100 001, and so on
Watch = Callable[[int, int], None]  # frames done, frames there are


@dataclass(frozen=True)
class BagJob:
    """
    What to do with a bag.

    :param source: rosbag2 folder, .mcap, .db3 or ROS 1 .bag
    :param target: the MCAP file to write
    :param image_topics, camera_info_topics: see `find_streams`
    :param fov: degrees across the longer side of the image, where there is no CameraInfo
    :param copy_images: images and CameraInfo go into the target, too
    :param mesh_markers: triangles for viewers; a megabyte a person and frame
    :param tf: 'none', 'body' or 'joints'
    :param json_lines: text file with a line per frame, None for none
    """

    source: Path
    target: Path
    image_topics: tuple[str, ...] = ()
    camera_info_topics: tuple[str, ...] = ()
    fov: float | None = None
    copy_images: bool = False
    mesh_markers: bool = False
    tf: str = 'joints'
    json_lines: Path | None = None


@dataclass
class BagReport:
    """
    What became of a bag.

    :param frames: that were processed
    :param people: in all frames together
    :param left_out: why boxes became nobody -> how many
    :param bad: what was wrong with frames -> how many
    :param damage: what is wrong with the bag itself
    :param guessed: image topics whose camera was guessed from a field of view
    """

    frames: int = 0
    people: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    bad: Counter[str] = field(default_factory=Counter)
    damage: list[str] = field(default_factory=list)
    guessed: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every frame of the bag went through."""
        return not self.bad and not self.damage


def process_bag(
    job: BagJob, open_pipeline: Callable[[], MeshPose], watch: Watch = lambda done, total: None
) -> BagReport:
    """
    Run the pipeline over a bag.

    :param open_pipeline: makes a fresh one; called once per camera, as each has its own tracks
    :param watch: called after every frame
    :raises BagError: the bag has no images, or the target cannot be written
    """
    with closing(open_bag(job.source)) as bag:
        streams = find_streams(bag, job.image_topics, job.camera_info_topics, job.fov)
        report = BagReport(guessed=[s.image for s in streams if s.camera is None])
        with McapFile(job.target) as file, _lines(job) as lines:
            runs = {
                stream.image: _Run(job, stream, open_pipeline(), number, file)
                for number, stream in enumerate(streams)
            }
            copies = Copies(file) if job.copy_images else None
            _process(bag, runs, copies, lines, report, watch)
        report.damage = bag.damage
    return report


def _lines(job: BagJob) -> JsonLines | nullcontext[None]:
    return JsonLines(job.json_lines) if job.json_lines else nullcontext()


def _process(
    bag: Bag,
    runs: dict[str, _Run],
    copies: Copies | None,
    lines: JsonLines | None,
    report: BagReport,
    watch: Watch,
) -> None:
    infos = {run.stream.info for run in runs.values() if run.stream.info} if copies else set()
    total, seen = sum(bag.topics[topic].count for topic in runs), 0
    for record in bag.records({*runs, *infos}):
        if copies:
            copies.write(record)
        if record.topic in runs:
            _step(runs[record.topic], record, lines, report)
            seen += 1
            watch(seen, total)


def _step(run: _Run, record: Record, lines: JsonLines | None, report: BagReport) -> None:
    """Process one image; one that cannot be used is counted and left out."""
    try:
        frame = run.frame_of(record)
    except (BadImageError, BadCameraError) as err:
        report.bad[str(err)] += 1
        return
    run.write(frame, record.log_time)
    if lines:
        about = {'topic': record.topic, 'stamp_ns': frame.stamp_ns, 'frame_id': frame.frame_id}
        lines.write(about | {'people': people_fields(frame.people)})
    report.frames += 1
    report.people += len(frame.people)
    report.left_out += run.pipeline.left_out


class _Run:
    """One camera on its way through the bag."""

    def __init__(
        self, job: BagJob, stream: Stream, pipeline: MeshPose, number: int, file: McapFile
    ) -> None:
        self.stream, self.pipeline, self.fov = stream, pipeline, job.fov
        tracking = replace(pipeline.options.tracking, first_id=1 + number * IDS_PER_CAMERA)
        pipeline.options = replace(pipeline.options, tracking=tracking)
        self.output = CameraOutput(
            file, stream.prefix, pipeline, markers=job.mesh_markers, tf=job.tf
        )
        self.before: set[int] | None = None  # tracks of the last frame; None before the first

    def frame_of(self, record: Record) -> Frame:
        """
        Find the people of an image.

        :raises BadImageError, BadCameraError: the image cannot be used
        """
        msg = message_of(record)
        image = to_rgb(msg)
        camera = self.stream.camera or self._guess(image.shape[1], image.shape[0])
        stamp = stamp_of(record, msg)
        people = self.pipeline(image, camera, stamp / 1e9)
        now = {person.track_id for person in people}
        ended = tuple(sorted((self.before or set()) - now))
        return Frame(people, camera, stamp, msg.header.frame_id, ended)

    def write(self, frame: Frame, log_time: int) -> None:
        """Write a frame, and before the first one what stays the same."""
        if self.before is None:
            self.output.begin(log_time)
        self.before = {person.track_id for person in frame.people}
        self.output.write(frame, log_time)

    def _guess(self, width: int, height: int) -> Camera:
        assert self.fov is not None, 'find_streams lets no unknown camera pass without'
        return guess_camera(self.fov, (width, height))
