// A walk, a frame and a camera in; floor, path, foot marks and skeleton on a canvas out.

const THICK_M = { // half the thickness of a bone at each of its ends
  pelvis: 0.034, hip: 0.034, knee: 0.03, ankle: 0.022, foot: 0.016, heel: 0.018, spine1: 0.03, spine2: 0.03, spine3: 0.03,
  neck: 0.024, head: 0.02, collar: 0.024, shoulder: 0.027, elbow: 0.023, wrist: 0.018,
};
const HEAD_M = 0.098; // radius of the disc that stands for the head
const ABOVE_M = 0.055; // its middle above the head joint
const FLOOR_M = 20; // the floor is drawn at least so far around the target; farther where the eye is farther away
const BESIDE_M = 0.2; // how far from the walk the metre labels are
const LABEL_PX = 46; // closest that metre labels stand
const MARK_M = 0.04; // radius of a foot mark on the floor
const FLASH_S = 0.25; // so long a mark is larger after its event

/** Draws one walk; `colours` are those of the page's style sheet. */
class Stage {
  constructor(canvas, walk, camera) {
    Object.assign(this, { canvas, walk, camera, pen: canvas.getContext("2d") });
    this.thick = walk.names.map((name) => THICK_M[name.replace(/^(left|right)_/, "")]);
    this.head = walk.index("head");
    this.neck = walk.index("neck");
  }

  draw(frame, colours) {
    this.colours = colours;
    this.frame = frame;
    this.points = this.walk.names.map((_, point) => this.walk.at(point, frame));
    this.clear();
    this.drawFloor();
    this.drawPath();
    this.drawFootMarks();
    this.drawShadow();
    this.drawBody();
  }

  clear() {
    const { pen, canvas, colours } = this, ratio = canvas.width / this.camera.width;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const sky = pen.createLinearGradient(0, 0, 0, this.camera.height);
    sky.addColorStop(0, colours.surface);
    sky.addColorStop(1, colours.sky);
    pen.fillStyle = sky;
    pen.fillRect(0, 0, this.camera.width, this.camera.height);
    pen.lineCap = pen.lineJoin = "round";
  }

  /** A grid of one metre, with the distance from the start along the walk. */
  drawFloor() {
    const { pen, colours } = this, [x0, x1, z0, z1] = this.floor();
    this.shape([[x0, 0, z0], [x1, 0, z0], [x1, 0, z1], [x0, 0, z1]], colours.floor);
    pen.strokeStyle = colours.grid;
    for (let x = x0; x <= x1; x++) this.line([x, 0, z0], [x, 0, z1], x === 0 ? 2 : 1);
    for (let z = z0; z <= z1; z++) this.line([x0, 0, z], [x1, 0, z], 1);
    this.drawScale(x0, x1, this.scaleLine());
  }

  /** z of the line that carries the labels: beside the walk, on the side of the eye. */
  scaleLine() {
    const [low, high] = this.walk.bounds;
    return this.camera.eye[2] >= (low[2] + high[2]) / 2 ? high[2] + BESIDE_M : low[2] - BESIDE_M;
  }

  drawScale(x0, x1, z) {
    const { pen } = this, drawn = [];
    pen.fillStyle = this.colours.soft;
    pen.font = "12px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const order = Array.from({ length: x1 - x0 + 1 }, (_, k) => x0 + k).sort((a, b) => roundness(b) - roundness(a) || a - b);
    for (const x of order) {
      const place = this.camera.project([x, 0, z]);
      const inside = place && place[0] > LABEL_PX / 2 && place[0] < this.camera.width - LABEL_PX / 2;
      if (!inside || drawn.some(([left, top]) => Math.hypot(left - place[0], top - place[1]) < LABEL_PX)) continue;
      pen.fillText(`${x} m`.replace("-", "\u2212"), place[0], place[1] + 8);
      drawn.push(place);
    }
  }

  /** Whole metres around the walk, not too far from what the camera looks at: [x0, x1, z0, z1]. */
  floor() {
    const [low, high] = this.walk.bounds, { target } = this.camera, reach = this.reach();
    return [0, 2].flatMap((axis) => [
      Math.max(Math.floor(low[axis] - 0.3), Math.floor(target[axis] - reach)), Math.min(Math.ceil(high[axis] + 0.3), Math.ceil(target[axis] + reach)),
    ]);
  }

  reach() { return Math.max(FLOOR_M, this.camera.distance); }

  /** Whether something on the floor is near enough to be drawn. */
  isNear(x, z) {
    const { target } = this.camera, reach = this.reach();
    return Math.abs(x - target[0]) <= reach && Math.abs(z - target[2]) <= reach;
  }

  /** The pelvis's way over the floor: thick up to now, thin from now on. */
  drawPath() {
    const { pen, walk } = this, pelvis = walk.index("pelvis"), now = Math.floor(this.frame);
    pen.strokeStyle = this.colours.path;
    for (const [first, last, width, alpha] of [[now, walk.frames - 1, 1.5, 0.45], [0, now, 3, 1]]) {
      pen.lineWidth = width;
      pen.globalAlpha = alpha;
      pen.beginPath();
      for (let k = first, down = false; k <= last; k++) {
        const x = walk.coordinate(pelvis, 0, k), z = walk.coordinate(pelvis, 2, k);
        const place = this.isNear(x, z) ? this.camera.project([x, 0, z]) : null;
        if (place && down) pen.lineTo(place[0], place[1]);
        else if (place) pen.moveTo(place[0], place[1]);
        down = place !== null;
      }
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  /** Heel strikes as discs, toe-offs as rings; those to come are faint. */
  drawFootMarks() {
    const { pen, walk, colours } = this, now = walk.seconds(this.frame);
    for (const event of walk.events) {
      if (!this.isNear(event.x_m, event.z_m)) continue;
      const age = now - event.at_s, flash = age >= 0 && age < FLASH_S ? 1 + 0.8 * (1 - age / FLASH_S) : 1;
      const outline = this.camera.projectShape(circle(event.x_m, event.z_m, MARK_M * flash));
      if (!outline) continue;
      pen.globalAlpha = age >= -1e-6 ? 1 : 0.3;
      pen.fillStyle = event.kind === "heel_strike" ? colours[event.side] : colours.floor;
      pen.strokeStyle = colours[event.side];
      pen.lineWidth = 2;
      this.outline(outline);
      pen.fill();
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  /** The skeleton's shadow from a light above, in one stroke so that it does not darken where bones cross. */
  drawShadow() {
    const { pen, points } = this;
    pen.strokeStyle = this.colours.shade;
    pen.beginPath();
    let width = 0;
    for (const [from, to] of this.walk.bones) {
      const line = this.camera.projectLine(...[from, to].map((point) => [points[point][0], 0, points[point][2]]));
      if (!line) continue;
      pen.moveTo(line[0][0], line[0][1]);
      pen.lineTo(line[1][0], line[1][1]);
      width = Math.max(width, 0.055 * line[0][2]);
    }
    pen.lineWidth = width;
    pen.stroke();
  }

  /** Bones and head, the farthest first. */
  drawBody() {
    const parts = this.walk.bones.map(([from, to, side]) => ({
      depth: (this.camera.seen(this.points[from])[2] + this.camera.seen(this.points[to])[2]) / 2,
      draw: (depth) => this.drawBone(from, to, side, depth),
    }));
    const depth = this.camera.seen(this.points[this.head])[2];
    parts.push({ depth, draw: (far) => this.drawHead(far) });
    const seen = parts.filter((part) => part.depth > NEAREST_M).sort((a, b) => b.depth - a.depth); // without unknown ones
    const middle = seen.reduce((sum, part) => sum + part.depth, 0) / seen.length;
    for (const part of seen) part.draw(part.depth - middle);
  }

  drawBone(from, to, side, behind) {
    const { pen, colours } = this, ends = [this.camera.project(this.points[from]), this.camera.project(this.points[to])];
    if (ends.includes(null)) return;
    const [[x0, y0, scale0], [x1, y1, scale1]] = ends;
    if (!(this.walk.measured[from] && this.walk.measured[to])) {
      this.dashed(Math.max(1.5, 0.014 * scale0), () => { pen.moveTo(x0, y0); pen.lineTo(x1, y1); });
      return;
    }
    pen.fillStyle = this.faded(colours[side], behind);
    pen.strokeStyle = colours.surface;
    pen.lineWidth = 1.5;
    capsule(pen, x0, y0, this.thick[from] * scale0, x1, y1, this.thick[to] * scale1);
    pen.stroke();
    pen.fill();
  }

  drawHead(behind) {
    const { pen, colours, points } = this, [top, base] = [points[this.head], points[this.neck]];
    const length = Math.hypot(top[0] - base[0], top[1] - base[1], top[2] - base[2]) || 1;
    const place = this.camera.project(top.map((value, axis) => value + ABOVE_M * (value - base[axis]) / length));
    if (!place) return;
    const disc = () => pen.arc(place[0], place[1], HEAD_M * place[2], 0, 2 * Math.PI);
    if (!this.walk.measured[this.head]) {
      this.dashed(Math.max(1.5, 0.012 * place[2]), disc);
      return;
    }
    pen.beginPath();
    disc();
    pen.fillStyle = this.faded(colours.middle, behind);
    pen.strokeStyle = colours.surface;
    pen.lineWidth = 1.5;
    pen.fill();
    pen.stroke();
  }

  /** Something that the recording does not show. */
  dashed(width, trace) {
    const { pen } = this;
    pen.strokeStyle = this.colours.unknown;
    pen.lineWidth = width;
    pen.setLineDash([2.2 * width, 2 * width]);
    pen.beginPath();
    trace();
    pen.stroke();
    pen.setLineDash([]);
  }

  /** What lies behind the middle of the body is paler, up to a third at 40 cm. */
  faded(colour, behind) {
    const part = Math.min(0.36, Math.max(0, 0.1 + behind * 0.65));
    const [a, b] = [colour, this.colours.surface].map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
    return `rgb(${a.map((value, k) => Math.round(value + part * (b[k] - value))).join(",")})`;
  }

  line(from, to, width) {
    const ends = this.camera.projectLine(from, to);
    if (!ends) return;
    this.pen.lineWidth = width;
    this.pen.beginPath();
    this.pen.moveTo(ends[0][0], ends[0][1]);
    this.pen.lineTo(ends[1][0], ends[1][1]);
    this.pen.stroke();
  }

  shape(corners, colour) {
    const outline = this.camera.projectShape(corners);
    if (!outline) return;
    this.outline(outline);
    this.pen.fillStyle = colour;
    this.pen.fill();
  }

  outline(places) {
    this.pen.beginPath();
    for (const [x, y] of places) this.pen.lineTo(x, y);
    this.pen.closePath();
  }
}

/** How much a whole number of metres deserves its label where there is no room for all. */
function roundness(metres) { return [2, 5, 10, 100].filter((size) => metres % size === 0).length; }

/** Corners of a circle on the floor. */
function circle(x, z, radius) {
  return Array.from({ length: 20 }, (_, k) => [x + radius * Math.cos(k * Math.PI / 10), 0.001, z + radius * Math.sin(k * Math.PI / 10)]);
}

/** Path around two circles of different size. */
function capsule(pen, x0, y0, r0, x1, y1, r1) {
  const length = Math.hypot(x1 - x0, y1 - y0), along = Math.atan2(y1 - y0, x1 - x0);
  pen.beginPath();
  if (length <= Math.abs(r0 - r1)) {
    const [x, y, r] = r0 > r1 ? [x0, y0, r0] : [x1, y1, r1];
    pen.arc(x, y, r, 0, 2 * Math.PI);
    return;
  }
  const lean = Math.acos((r0 - r1) / length);
  pen.arc(x0, y0, r0, along + lean, along - lean + 2 * Math.PI);
  pen.arc(x1, y1, r1, along - lean, along + lean);
  pen.closePath();
}
