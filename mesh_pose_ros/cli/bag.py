"""`mesh_pose bag`: every frame of a bag."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mesh_pose_ros.bag import BagJob, BagReport, process_bag
from mesh_pose_ros.cli import options
from mesh_pose_ros.errors import BagError
from mesh_pose_ros.render.files import file_behind

REASONS = 5  # kinds of bad frames told at the end


@options.failing_politely()
def bag(
    source: Annotated[
        Path, typer.Argument(metavar='IN', help='rosbag2 folder, .mcap, .db3, or ROS 1 .bag.')
    ],
    target: Annotated[Path, typer.Argument(metavar='OUT.mcap', help='File to write.')],
    image_topic: Annotated[
        list[str] | None,
        typer.Option(help='Images to process; may be repeated. Default: the only one.'),
    ] = None,
    camera_info_topic: Annotated[
        list[str] | None,
        typer.Option(help='CameraInfo of each --image-topic. Default: the one beside it.'),
    ] = None,
    fov: options.Fov = None,
    copy_images: Annotated[
        bool, typer.Option('--copy-images', help='Images and CameraInfo go into OUT, too.')
    ] = False,
    jsonl: Annotated[
        Path | None, typer.Option(help='Also write a line of JSON per frame to this file.')
    ] = None,
    mesh_markers: Annotated[
        bool,
        typer.Option(
            '--mesh-markers',
            help='Write meshes as triangles that RViz and Foxglove show; about a megabyte per '
            'person and frame.',
        ),
    ] = False,
    tf: Annotated[
        str, typer.Option(help='What to write to /tf: none, body or joints.')
    ] = 'joints',
    overwrite: Annotated[
        bool, typer.Option('--overwrite', help='Replace OUT if it is there.')
    ] = False,
    model: options.Model = 'default',
    detector: options.Detector = '',
    lift: options.Lift = '',
    backend: options.Backend = 'auto',
    precision: options.Precision = 'fp32',
    threads: options.Threads = 0,
) -> None:
    """
    Process every frame of a bag into an MCAP file with persons, meshes, markers and tf.

    Stamps are those of the images; the same bag gives the same bytes. A damaged bag is
    processed as far as it can be read.
    """
    _check(source, target, tf, overwrite)
    job = BagJob(
        source=source,
        target=target,
        image_topics=tuple(image_topic or ()),
        camera_info_topics=tuple(camera_info_topic or ()),
        fov=fov,
        copy_images=copy_images,
        mesh_markers=mesh_markers,
        tf=tf,
        json_lines=jsonl,
    )
    with options.progress_bar() as bar:
        task = bar.add_task('frames', total=None)
        report = process_bag(
            job,
            lambda: options.open_pipeline(
                model, detector, lift, backend, threads, precision=precision, follow=True
            ),
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    _summary(job, report)
    if not report.complete:
        raise typer.Exit(options.PARTLY)


def _check(source: Path, target: Path, tf: str, overwrite: bool) -> None:
    if tf not in ('none', 'body', 'joints'):
        raise typer.BadParameter(f'{tf!r} is not none, body or joints', param_hint='--tf')
    if not file_behind(target).exists():
        return
    if source.exists() and target.samefile(source):
        raise BagError(f'{target}: is the input itself')
    if not overwrite:
        raise BagError(f'{target}: exists; use --overwrite')


def _summary(job: BagJob, report: BagReport) -> None:
    options.say(f'{report.people} sights of people in {report.frames} frames: {job.target}')
    options.say_who_is_left_out(report.left_out)
    for topic in report.guessed:
        options.say(
            f'camera of {topic} guessed (fallback: {job.fov:g} degrees across the longer side): '
            'distances are rough',
            'yellow',
        )
    if report.bad:
        options.say(f'{report.bad.total()} frames could not be used:', 'red')
    for reason, count in report.bad.most_common(REASONS):
        options.say(f'  {count} x {reason}', 'red')
    for damage in report.damage:
        options.say(f'the bag is damaged, its readable part was processed: {damage}', 'red')
