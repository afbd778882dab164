// Points in metres in, pixels out: a perspective camera that orbits a target.

const VIEWS = { corner: [28, 11], side: [0, 6], front: [90, 6], top: [0, 90] }; // azimuth and elevation, degrees
const FIELD_RAD = 0.6; // vertical field of view
const NEAREST_M = 0.05; // what is closer to the eye is cut off
const EDGE = 0.9; // share of the picture that a fitted box fills

class Camera {
  constructor() {
    this.target = [0, 0.9, 0];
    this.shift = [0, 0, 0];
    this.box = [[-1, 0, -1], [1, 1.8, 1]];
    this.resize(1, 1);
    this.look("corner");
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
    this.focal = height / 2 / Math.tan(FIELD_RAD / 2);
  }

  /** Turn to one of the named views, at its own zoom. */
  look(view) {
    const [azimuth, elevation] = VIEWS[view];
    this.azimuth = azimuth * Math.PI / 180;
    this.elevation = elevation * Math.PI / 180;
    this.zoom = 1;
    this.shift = [0, 0, 0];
  }

  orbit(right, up) {
    this.azimuth = (this.azimuth - right) % (2 * Math.PI);
    this.elevation = Math.min(Math.PI / 2, Math.max(-0.03, this.elevation + up));
  }

  magnify(factor) { this.zoom = Math.min(12, Math.max(0.25, this.zoom * factor)); }

  /** Move the target by so many pixels of the picture. */
  pan(right, down) {
    const metres = this.distance / this.focal;
    this.shift = this.shift.map((value, axis) => value - metres * (right * this.right[axis] - down * this.up[axis]));
  }

  /** Put the eye where `box` around the target fills the picture, divided by the zoom. */
  update() {
    const [sa, ca, se, ce] = [Math.sin(this.azimuth), Math.cos(this.azimuth), Math.sin(this.elevation), Math.cos(this.elevation)];
    this.right = [ca, 0, -sa];
    this.up = [-sa * se, ce, -ca * se];
    this.ahead = [-ce * sa, -se, -ce * ca];
    const [middle, distance] = this.fit();
    this.distance = Math.max(distance / this.zoom, 0.3);
    this.eye = middle.map((value, axis) => value + this.shift[axis] - this.distance * this.ahead[axis]);
  }

  /** The point to look at and the distance from it at which the box just fills the picture, in its middle. */
  fit() {
    const corners = Array.from({ length: 8 }, (_, corner) => [0, 1, 2].map((axis) => this.box[corner >> axis & 1][axis]));
    let middle = this.target, distance = this.fitted(corners, middle);
    for (let round = 0; round < 4; round++) {
      const [right, up] = this.middle(corners, middle, distance);
      middle = middle.map((value, axis) => value + distance * (right * this.right[axis] + up * this.up[axis]));
      distance = this.fitted(corners, middle);
    }
    return [middle, distance];
  }

  /** Distance from `middle` at which all corners are within the picture. */
  fitted(corners, middle) {
    return Math.max(0.5, ...corners.map((corner) => {
      const from = minus(corner, middle);
      const across = Math.abs(dot(from, this.right)) / (this.width / 2), along = Math.abs(dot(from, this.up)) / (this.height / 2);
      return Math.max(across, along) * this.focal / EDGE - dot(from, this.ahead);
    }));
  }

  /** Middle of the corners' picture, to the right and up, in parts of the distance. */
  middle(corners, middle, distance) {
    const rays = corners.map((corner) => {
      const from = minus(corner, middle), ahead = distance + dot(from, this.ahead);
      return [dot(from, this.right) / ahead, dot(from, this.up) / ahead];
    });
    return [0, 1].map((k) => (Math.min(...rays.map((ray) => ray[k])) + Math.max(...rays.map((ray) => ray[k]))) / 2);
  }

  /** A point as the camera sees it: metres to the right, up, and ahead of the eye. */
  seen(point) {
    const from = minus(point, this.eye);
    return [dot(from, this.right), dot(from, this.up), dot(from, this.ahead)];
  }

  /** [x, y, pixels per metre] of what `seen` gave. */
  place([right, up, ahead]) {
    const scale = this.focal / ahead;
    return [this.width / 2 + right * scale, this.height / 2 - up * scale, scale];
  }

  /** A point on the picture, or null when it is unknown or behind the eye. */
  project(point) {
    const seen = this.seen(point);
    return seen[2] > NEAREST_M ? this.place(seen) : null;
  }

  /** Both ends of a line on the picture, cut off in front of the eye, or null when one is unknown or both are behind it. */
  projectLine(from, to) {
    const ends = [this.seen(from), this.seen(to)].sort((a, b) => a[2] - b[2]);
    if (Number.isNaN(ends[0][2] + ends[1][2]) || ends[1][2] <= NEAREST_M) return null;
    if (ends[0][2] < NEAREST_M) {
      const part = (NEAREST_M - ends[0][2]) / (ends[1][2] - ends[0][2]);
      ends[0] = ends[0].map((value, axis) => value + part * (ends[1][axis] - value));
    }
    return ends.map((end) => this.place(end));
  }

  /** Outline on the picture of a flat shape whose corners all lie in front of the eye, or null. */
  projectShape(corners) {
    const places = corners.map((corner) => this.project(corner));
    return places.includes(null) ? null : places;
  }
}

function minus(a, b) { return [a[0] - b[0], a[1] - b[1], a[2] - b[2]]; }

function dot(a, b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
