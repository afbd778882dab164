// A walk and a frame in; the timeline out: contacts and events of each foot, heights of the feet, seconds.

const GUTTER_PX = 64; // for the labels at the left; the slider below begins there
const INSET_PX = 8; // half the slider's thumb
const LANES = { left: [6, 26], right: [32, 52] }; // top and bottom
const HEIGHTS = [60, 116]; // top and bottom of the curves
const TICKS_PX = 130; // middle of the seconds' labels
const LEAST_HEIGHT_M = 0.1;
const PAGE_S = 20; // a longer walk is drawn in pages of so many seconds
const OPEN_S = 0.3; // a contact whose other end was not seen is drawn for so long
const DISC_PX = [1.5, 4.6]; // smallest and largest radius of an event

class Lanes {
  constructor(canvas, walk) {
    Object.assign(this, { canvas, walk, pen: canvas.getContext("2d") });
    this.feet = {};
    for (const side of ["left", "right"]) {
      const foot = walk.index(`${side}_foot`);
      this.feet[side] = walk.measured[foot] ? foot : walk.index(`${side}_ankle`);
    }
    const frames = walk.frames - 1;
    Object.assign(this, { first: 0, last: frames, paged: frames / walk.fps > 1.5 * PAGE_S });
    this.highest = Math.max(LEAST_HEIGHT_M, ...["left", "right"].map((side) => this.highestOf(this.feet[side])));
  }

  highestOf(point) {
    let highest = 0;
    for (let k = 0; k < this.walk.frames; k++) highest = Math.max(highest, this.walk.coordinate(point, 1, k) || 0);
    return highest;
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
    this.still = null;
  }

  x(frame) {
    const span = this.width - GUTTER_PX - 2 * INSET_PX;
    return GUTTER_PX + INSET_PX + span * (this.last > this.first ? (frame - this.first) / (this.last - this.first) : 0);
  }

  /** The frame, not rounded, at a pixel. */
  frameAt(x) {
    const span = this.width - GUTTER_PX - 2 * INSET_PX;
    return Math.min(1, Math.max(0, (x - GUTTER_PX - INSET_PX) / span)) * (this.last - this.first) + this.first;
  }

  /** Show the page of a long walk that holds a frame. */
  turnTo(frame) {
    if (!this.paged) return;
    const length = PAGE_S * this.walk.fps, page = Math.floor(Math.min(frame, this.walk.frames - 2) / length);
    if (page * length === this.first && this.last < this.walk.frames) return;
    this.first = page * length;
    this.last = this.first + length;
    this.still = null;
  }

  /** What does not change with time is drawn once and kept. */
  draw(frame, colours) {
    const { pen, canvas } = this, ratio = canvas.width / this.width;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    this.turnTo(frame);
    if (this.still === null || this.colours !== colours) {
      this.colours = colours;
      pen.clearRect(0, 0, canvas.width, canvas.height);
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.drawStill();
      this.still = pen.getImageData(0, 0, canvas.width, canvas.height);
    } else {
      pen.putImageData(this.still, 0, 0);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = colours.ink;
    pen.fillRect(this.x(frame) - 0.75, 0, 1.5, TICKS_PX - 10);
  }

  drawStill() {
    const { pen } = this;
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    this.drawSeconds();
    pen.save();
    pen.beginPath();
    pen.rect(this.x(this.first) - INSET_PX, 0, this.width, this.height);
    pen.clip();
    for (const side of ["left", "right"]) {
      this.drawLane(side);
      this.drawHeights(side);
    }
    this.drawStored();
    this.drawEvents();
    pen.restore();
    for (const side of ["left", "right"]) this.label(side, (LANES[side][0] + LANES[side][1]) / 2, 12, this.colours.ink);
    this.label("foot height", (HEIGHTS[0] + HEIGHTS[1]) / 2 - 8);
    this.label(`0 to ${this.highest.toFixed(2)} m`, (HEIGHTS[0] + HEIGHTS[1]) / 2 + 8, 10.5);
    if (this.walk.events.length + this.walk.stored.length === 0) this.drawNothing();
  }

  drawSeconds() {
    const { pen, walk, colours } = this, span = (this.last - this.first) / walk.fps, pixels = this.x(this.last) - this.x(this.first);
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10].find((size) => size * pixels >= 64 * span) || 30, from = walk.seconds(this.first);
    pen.textAlign = "center";
    for (let k = Math.ceil(from / step - 1e-9); k * step <= from + span + 1e-9; k++) {
      const x = this.x(walk.frameAt(k * step));
      pen.fillStyle = colours.grid;
      pen.fillRect(x - 0.5, 0, 1, HEIGHTS[1] + 4);
      pen.fillStyle = colours.soft;
      pen.fillText(`${(k * step).toFixed(step < 1 ? 1 : 0)} s`, Math.min(x, this.width - 20), TICKS_PX);
    }
  }

  drawLane(side) {
    const { pen, colours, walk } = this, [top, bottom] = LANES[side];
    pen.fillStyle = colours.sky;
    pen.fillRect(this.x(this.first), top, this.x(this.last) - this.x(this.first), bottom - top);
    pen.globalAlpha = 0.32;
    for (const [start, stop] of walk.stance[side]) {
      const [x0, x1] = this.contact(start, stop);
      pen.fillStyle = this.fading(x0, x1, start === null, stop === null, colours[side]);
      pen.fillRect(x0, top, x1 - x0, bottom - top);
    }
    pen.globalAlpha = 1;
  }

  /** Pixels of a contact; one whose start or end was not seen fades out over `OPEN_S`, within the page. */
  contact(start, stop) {
    const first = this.x(this.first), last = this.x(Math.min(this.last, this.walk.frames - 1));
    const x = (seconds) => Math.min(last, Math.max(first, this.x(this.walk.frameAt(seconds))));
    return [x(start === null ? stop - OPEN_S : start), x(stop === null ? start + OPEN_S : stop)];
  }

  fading(x0, x1, opens, closes, colour) {
    if (!opens && !closes) return colour;
    const fill = this.pen.createLinearGradient(x0, 0, x1, 0);
    fill.addColorStop(opens ? 1 : 0, colour);
    fill.addColorStop(opens ? 0 : 1, `${colour}00`);
    return fill;
  }

  drawHeights(side) {
    const { pen, walk } = this, [top, bottom] = HEIGHTS, last = Math.min(walk.frames - 1, Math.ceil(this.last));
    pen.strokeStyle = this.colours[side];
    pen.lineWidth = 1.6;
    pen.lineJoin = "round";
    pen.beginPath();
    for (let k = Math.floor(this.first), down = false; k <= last; k++) {
      const height = walk.coordinate(this.feet[side], 1, k), y = bottom - (bottom - top) * Math.max(-0.05, height / this.highest);
      if (Number.isFinite(height)) down ? pen.lineTo(this.x(k), y) : pen.moveTo(this.x(k), y);
      down = Number.isFinite(height);
    }
    pen.stroke();
  }

  /** Events that the laboratory stored: a line through the lane, broken for a toe-off. */
  drawStored() {
    const { pen, walk } = this;
    pen.strokeStyle = this.colours.ink;
    pen.lineWidth = 1.2;
    for (const event of walk.stored) {
      const x = this.x(walk.frameAt(event.at_s)), [top, bottom] = LANES[event.side];
      pen.setLineDash(event.kind === "toe_off" ? [2.5, 2.5] : []);
      pen.beginPath();
      pen.moveTo(x, top - 2);
      pen.lineTo(x, bottom + 2);
      pen.stroke();
    }
    pen.setLineDash([]);
  }

  drawEvents() {
    const { pen, walk, colours } = this, radius = this.radius();
    for (const event of walk.events) {
      const [top, bottom] = LANES[event.side];
      pen.beginPath();
      pen.arc(this.x(walk.frameAt(event.at_s)), (top + bottom) / 2, radius, 0, 2 * Math.PI);
      pen.fillStyle = event.kind === "heel_strike" ? colours[event.side] : colours.surface;
      pen.strokeStyle = colours[event.side];
      pen.lineWidth = Math.min(2, radius);
      pen.fill();
      pen.stroke();
    }
  }

  /** Radius of the events' discs: smaller where a long walk brings them close together. */
  radius() {
    const { walk } = this, pixels = this.x(walk.frames - 1) - this.x(0);
    return Math.min(DISC_PX[1], Math.max(DISC_PX[0], 0.8 * pixels / Math.max(1, walk.events.length)));
  }

  drawNothing() {
    this.pen.fillStyle = this.colours.soft;
    this.pen.textAlign = "center";
    this.pen.fillText("no foot events", (this.x(this.first) + this.x(this.last)) / 2, (LANES.left[0] + LANES.right[1]) / 2);
  }

  label(text, y, size = 11, colour = this.colours.soft) {
    this.pen.fillStyle = colour;
    this.pen.textAlign = "left";
    this.pen.font = `${size}px system-ui, sans-serif`;
    this.pen.fillText(text, 0, y, GUTTER_PX - 4);
    this.pen.font = "12px system-ui, sans-serif";
  }
}
