// The page's JSON in; places of the points over time, events, and the directions of the page's axes out.

/** A walk to be shown: metres, y up, x along the walk; frame k is at `firstS + k / fps` seconds of the recording. */
class Walk {
  constructor(json) {
    Object.assign(this, { fps: json.fps, firstS: json.first_s, frames: json.frames, bones: json.bones });
    Object.assign(this, { names: json.points, measured: json.measured, events: json.events, stance: json.stance, stored: json.stored });
    this.track = decode(json.coords, json.points.length * 3, json.frames);
    for (const [point, first, stop] of json.gaps) {
      for (let axis = 0; axis < 3; axis++) this.track.fill(NaN, (point * 3 + axis) * this.frames + first, (point * 3 + axis) * this.frames + stop);
    }
    this.pelvisPath = this.smoothPath(this.index("pelvis"));
    this.bounds = this.findBounds();
  }

  /** Number of a point, or -1. */
  index(name) { return this.names.indexOf(name); }

  /** Seconds of the recording at a frame, whole or not. */
  seconds(frame) { return this.firstS + frame / this.fps; }

  /** The frame, not rounded, at a time of the recording. */
  frameAt(seconds) { return (seconds - this.firstS) * this.fps; }

  /** One coordinate of a point at a frame, between frames on a straight line; NaN where it is unknown. */
  coordinate(point, axis, frame) {
    const start = (point * 3 + axis) * this.frames, before = Math.min(Math.floor(frame), this.frames - 1), part = frame - before;
    const here = this.track[start + before];
    return part > 0 && before + 1 < this.frames ? here + part * (this.track[start + before + 1] - here) : here;
  }

  /** A point at a frame as [x, y, z]. */
  at(point, frame) { return [this.coordinate(point, 0, frame), this.coordinate(point, 1, frame), this.coordinate(point, 2, frame)]; }

  /** Where a camera that follows the pelvis looks at a frame: its path without the sway of single steps. */
  followed(frame) {
    const [xs, zs] = this.pelvisPath, before = Math.min(Math.floor(frame), this.frames - 1), after = Math.min(before + 1, this.frames - 1), part = frame - before;
    return [xs[before] + part * (xs[after] - xs[before]), 0.9, zs[before] + part * (zs[after] - zs[before])];
  }

  /** x and z of a point, each averaged over a second. */
  smoothPath(point) {
    const half = Math.max(1, Math.round(this.fps / 2));
    return [0, 2].map((axis) => {
      const sums = [0], counts = [0];
      for (let k = 0; k < this.frames; k++) {
        const value = this.track[(point * 3 + axis) * this.frames + k], known = Number.isFinite(value);
        sums.push(sums[k] + (known ? value : 0));
        counts.push(counts[k] + (known ? 1 : 0));
      }
      return Float32Array.from({ length: this.frames }, (_, k) => {
        const reach = Math.min(half, k, this.frames - 1 - k), first = k - reach, stop = k + reach + 1;
        return (sums[stop] - sums[first]) / Math.max(1, counts[stop] - counts[first]);
      });
    });
  }

  /** Lowest and highest coordinates of all points over all frames: [[x, y, z], [x, y, z]]. */
  findBounds() {
    const low = [0, 0, 0], high = [0, 1, 0];
    for (let channel = 0; channel < this.names.length * 3; channel++) {
      for (let k = channel * this.frames; k < (channel + 1) * this.frames; k++) {
        if (this.track[k] < low[channel % 3]) low[channel % 3] = this.track[k];
        if (this.track[k] > high[channel % 3]) high[channel % 3] = this.track[k];
      }
    }
    return [low, high];
  }
}

/** Base64 to metres, channel after channel: the inverse of `packed` in viewer_scene.py. */
function decode(text, channels, frames) {
  const bytes = atob(text), metres = new Float32Array(channels * frames);
  let at = 0, count = 0;
  for (let channel = 0; channel < channels; channel++) {
    let value = 0, slope = 0;
    for (let k = 0; k < frames; k++) {
      let group, number = 0, weight = 1;
      do {
        group = bytes.charCodeAt(at++);
        number += (group & 0x7f) * weight;
        weight *= 128;
      } while (group > 0x7f);
      const step = number % 2 ? -(number + 1) / 2 : number / 2;
      if (k === 0) value = step;
      else { slope = k === 1 ? step : slope + step; value += slope; }
      metres[count++] = value / 1000;
    }
  }
  if (at !== bytes.length) throw new Error(`the page is damaged: ${at} of ${bytes.length} bytes of places were used`);
  return metres;
}
