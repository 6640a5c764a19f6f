"""All figures of all chains as one Markdown table, kept between two marks of a file."""

from __future__ import annotations

from collections.abc import Mapping

from mesh_pose_ros.marked import Marked

PLACE = Marked('<!-- accuracy: begin -->', '<!-- accuracy: end -->')
Figures = Mapping[str, float]

PHOTOGRAPHS = 'Photographs: people found'
JOINTS = 'Photographs: joints in the picture, boxes given'
SPACE = 'Synthetic pictures: people in space, boxes given'
SPEED = 'Milliseconds, 640x480, one person with mesh, one thread'

# figure -> what it is called and how it is written
ROWS: dict[str, dict[str, tuple[str, str]]] = {
    PHOTOGRAPHS: {
        'ap50': ('AP50, people of 60 px and more', '.3f'),
        'ap50_coco_mini_train': ('- COCO pictures (every person boxed)', '.3f'),
        'ap50_pennfudan': ('- Penn-Fudan pictures (nearly every person boxed)', '.3f'),
        'ap50_tolerated': ('AP50 cut at .15 false boxes per person-free picture', '.3f'),
        'recall_tolerated': ('recall at that score', '.3f'),
        'recall': ("recall at the chain's own score", '.3f'),
        'precision': ('precision there, pictures with people', '.3f'),
        'false_per_empty': ('false boxes per person-free picture there', '.3f'),
    },
    JOINTS: {
        'pck_people': ('people whose torso is marked', '.0f'),
        'pck': ('PCK at .2 of the torso, 12 limb joints', '.3f'),
        'pck_mesh': ('- of joints inside the mesh', '.3f'),
        'pck_forgiven': ('- swapped sides forgiven', '.3f'),
        'swapped': ('joints on the wrong side', '.3f'),
        'pck_all': ("PCK at .2 of the torso, COCO's 17 joints", '.3f'),
        'oks': ('OKS', '.3f'),
    },
    SPACE: {
        'space_people': ('people', '.0f'),
        'space_recall': ('found without boxes (IoU .5)', '.3f'),
        'mpjpe': ('MPJPE mm, 12 limb joints', '.0f'),
        'pa_mpjpe': ('PA-MPJPE mm', '.0f'),
        'h36m17': ("MPJPE mm, Human3.6M's 17 joints, of the mesh", '.0f'),
        'pa_h36m17': ('PA-MPJPE mm', '.0f'),
        'absolute': ('absolute MPJPE mm, median', '.0f'),
        'pelvis_mm': ('distance of the pelvis, median error mm', '.0f'),
        'pelvis_percent': ('- in percent', '.1f'),
        'bias_percent': ('- with its sign, percent', '+.1f'),
        'size_alone': ('- of who knows all but how tall somebody is, percent', '.1f'),
        'pve': ('mesh vertices (PVE) mm', '.0f'),
        'mpjpe_near': ('MPJPE mm, nearer than 2 m', '.0f'),
        'mpjpe_middle': ('- 2 to 4 m', '.0f'),
        'mpjpe_far': ('- beyond 4 m', '.0f'),
        'mpjpe_whole': ('- wholly in the picture', '.0f'),
        'mpjpe_truncated': ('- a limb joint outside the picture', '.0f'),
        'pelvis_percent_near': ('distance of the pelvis, percent, nearer than 2 m', '.1f'),
        'pelvis_percent_middle': ('- 2 to 4 m', '.1f'),
        'pelvis_percent_far': ('- beyond 4 m', '.1f'),
        'pelvis_percent_truncated': ('- a limb joint outside the picture', '.1f'),
        'pve_truncated': ('PVE mm, a limb joint outside the picture', '.0f'),
        'count_whole': ('people wholly in the picture', '.0f'),
        'h36m17_whole': ("- MPJPE mm, Human3.6M's 17 joints, of the mesh", '.0f'),
        'pa_h36m17_whole': ('- PA-MPJPE mm', '.0f'),
        'pelvis_percent_whole': ('- distance of the pelvis, percent', '.1f'),
        'pve_whole': ('- PVE mm', '.0f'),
    },
    SPEED: {
        'ms': ('all', '.1f'),
        'ms_detect': ('- detection', '.1f'),
    },
}


def markdown(chains: Mapping[str, Figures]) -> str:
    """Chains beside each other; a figure that was not measured is a dash."""
    lines = ['| | ' + ' | '.join(chains) + ' |', '|---|' + '---:|' * len(chains)]
    for title, rows in ROWS.items():
        lines.append(f'| **{title}** |' + ' |' * len(chains))
        for name, (label, form) in rows.items():
            cells = [_cell(figures, name, form) for figures in chains.values()]
            lines.append(f'| {label} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def _cell(figures: Figures, name: str, form: str) -> str:
    value = figures.get(name, float('nan'))
    return format(value, form) if value == value else '–'
