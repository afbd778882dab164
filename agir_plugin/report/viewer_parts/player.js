// Clicks, keys and the clock in; the shown frame, the camera and the page's controls out.

const PLAY = "M5 3v14l12-7z", PAUSE = "M4 3h4.5v14H4zM11.5 3H16v14h-4.5z"; // shapes of the play button
const FOLLOW_FROM_M = 9; // a walk that is longer than this is followed from the start
const BODY_BOX_M = [[-0.75, -0.95, -0.75], [0.75, 1.05, 0.75]]; // around the pelvis, when it is followed
const COLOURS = ["page", "surface", "ink", "soft", "sky", "floor", "grid", "left", "right", "middle", "path", "unknown", "shade"];

const byId = (id) => document.getElementById(id);

class Player {
  constructor(walk) {
    this.walk = walk;
    this.camera = new Camera();
    this.stage = new Stage(byId("stage"), walk, this.camera);
    this.lanes = new Lanes(byId("lanes"), walk);
    Object.assign(this, { frame: 0, playing: false, speed: 1, loop: true, asked: false });
    this.follow = walk.bounds[1][0] - walk.bounds[0][0] > FOLLOW_FROM_M;
    this.marks = [...(walk.events.length ? walk.events : walk.stored)].map((event) => walk.frameAt(event.at_s)).sort((a, b) => a - b);
    byId("scrub").max = walk.frames - 1;
    this.readColours();
    this.readAddress();
    this.listen();
    new ResizeObserver(() => this.resize()).observe(byId("stage"));
    new ResizeObserver(() => this.resize()).observe(byId("lanes"));
    this.resize();
    this.draw();
    document.documentElement.dataset.frames = walk.frames;
  }

  // Time

  seek(frame) {
    this.frame = Math.min(this.walk.frames - 1, Math.max(0, frame));
    this.show();
  }

  step(frames) {
    this.pause();
    this.seek(Math.round(this.frame) + frames);
  }

  /** To the nearest shown frame of the next (1) or previous (-1) foot event. */
  toEvent(way) {
    this.pause();
    const rounded = this.marks.map((mark) => Math.min(this.walk.frames - 1, Math.max(0, Math.round(mark)))), now = Math.round(this.frame);
    const found = way > 0 ? rounded.find((mark) => mark > now) : rounded.reverse().find((mark) => mark < now);
    if (found !== undefined) this.seek(found);
  }

  toggle() { return this.playing ? this.pause() : this.play(); }

  play() {
    if (this.walk.frames < 2) return;
    if (this.frame >= this.walk.frames - 1) this.frame = 0;
    this.playing = true;
    this.last = null;
    this.show();
    requestAnimationFrame((now) => this.tick(now));
  }

  pause() {
    this.playing = false;
    this.frame = Math.round(this.frame);
    this.show();
  }

  tick(now) {
    if (!this.playing) return;
    const passed = this.last === null ? 0 : Math.min(0.25, (now - this.last) / 1000), end = this.walk.frames - 1;
    this.last = now;
    this.frame += passed * this.speed * this.walk.fps;
    if (this.frame > end && this.loop) this.frame %= end;
    if (this.frame > end) {
      this.seek(end);
      this.pause();
      return;
    }
    this.show();
    requestAnimationFrame((next) => this.tick(next));
  }

  // Picture

  /** Ask for a new picture before the next one is shown. */
  show() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.draw();
    });
  }

  draw() {
    const { camera, walk } = this;
    if (this.follow) {
      camera.target = walk.followed(this.frame);
      camera.box = BODY_BOX_M.map((corner) => corner.map((value, axis) => value + camera.target[axis]));
    } else {
      const [low, high] = walk.bounds;
      camera.box = [[low[0] - 0.2, 0, low[2] - 0.2], [high[0] + 0.2, high[1] + 0.12, high[2] + 0.2]];
      camera.target = low.map((_, axis) => (camera.box[0][axis] + camera.box[1][axis]) / 2);
    }
    camera.update();
    this.stage.draw(this.frame, this.colours);
    this.lanes.draw(this.frame, this.colours);
    this.say();
  }

  /** Bring clock, slider, buttons and the page's data attributes up to date. */
  say() {
    const { walk } = this, shown = Math.round(this.frame), seconds = walk.seconds(this.frame).toFixed(2);
    byId("clock").textContent = `${seconds} of ${walk.seconds(walk.frames - 1).toFixed(2)} s \u00b7 frame ${shown + 1} of ${walk.frames}`;
    const scrub = byId("scrub");
    scrub.value = shown;
    if (!this.playing) scrub.setAttribute("aria-valuetext", `${seconds} seconds, frame ${shown + 1} of ${walk.frames}${this.contacts()}`);
    byId("play").setAttribute("aria-label", this.playing ? "Pause" : "Play");
    byId("play-shape").setAttribute("d", this.playing ? PAUSE : PLAY);
    byId("loop").setAttribute("aria-pressed", this.loop);
    byId("follow").setAttribute("aria-pressed", this.follow);
    byId("speed").value = String(this.speed);
    for (const id of ["event-before", "event-after"]) byId(id).disabled = this.marks.length === 0;
    document.documentElement.dataset.frame = shown;
  }

  contacts() {
    const now = this.walk.seconds(this.frame);
    const standing = ["left", "right"].filter((side) => this.walk.stance[side].some(([start, stop]) => start !== null && stop !== null && start <= now && now <= stop));
    return standing.length ? `, ${standing.join(" and ")} stance` : "";
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    for (const [canvas, user] of [[byId("stage"), this.camera], [byId("lanes"), this.lanes]]) {
      const { clientWidth: width, clientHeight: height } = canvas;
      if (!width || !height) continue;
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      user.resize(width, height);
    }
    this.show();
  }

  readColours() {
    const style = getComputedStyle(document.documentElement);
    this.colours = Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.show();
  }

  /** `#t=1.5&view=side&follow=1`: the place to begin at, for links to a moment of a walk. */
  readAddress() {
    const asked = new URLSearchParams(location.hash.slice(1)), seconds = parseFloat(asked.get("t"));
    if (Number.isFinite(seconds)) this.seek(Math.round(this.walk.frameAt(seconds)));
    if (Object.hasOwn(VIEWS, asked.get("view"))) this.camera.look(asked.get("view"));
    if (asked.has("follow")) this.follow = asked.get("follow") === "1";
    this.show();
  }

  setFollow(follow) {
    this.follow = follow;
    this.camera.zoom = 1;
    this.camera.shift = [0, 0, 0];
    this.show();
  }

  // Input

  listen() {
    const on = (id, kind, act) => byId(id).addEventListener(kind, act);
    on("play", "click", () => this.toggle());
    on("frame-before", "click", () => this.step(-1));
    on("frame-after", "click", () => this.step(1));
    on("event-before", "click", () => this.toEvent(-1));
    on("event-after", "click", () => this.toEvent(1));
    on("loop", "click", () => { this.loop = !this.loop; this.show(); });
    on("follow", "click", () => this.setFollow(!this.follow));
    on("speed", "change", (event) => { this.speed = Number(event.target.value); });
    on("scrub", "input", (event) => { this.playing = false; this.seek(Number(event.target.value)); });
    for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => this.look(button.dataset.view));
    document.addEventListener("keydown", (event) => this.key(event));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.readColours());
    addEventListener("hashchange", () => this.readAddress());
    this.listenToStage(byId("stage"));
    this.listenToLanes(byId("lanes"));
  }

  look(view) {
    this.camera.look(view);
    this.show();
  }

  /** Drag orbits, with shift or another button it moves the target; two fingers or the wheel zoom. */
  listenToStage(canvas) {
    const fingers = new Map();
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
    });
    for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, (event) => fingers.delete(event.pointerId));
    canvas.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return;
      const before = spread(fingers), [x, y] = fingers.get(event.pointerId);
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
      const [right, down] = [event.clientX - x, event.clientY - y];
      if (fingers.size > 1) this.camera.magnify(spread(fingers) / before);
      else if (event.shiftKey || event.buttons > 1) this.camera.pan(right, down);
      else this.camera.orbit(right * 0.008, down * 0.008);
      this.show();
    });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.camera.magnify(Math.exp(-event.deltaY * (event.deltaMode ? 0.04 : 0.0015)));
      this.show();
    }, { passive: false });
  }

  listenToLanes(canvas) {
    const seek = (event) => {
      this.playing = false;
      this.seek(Math.round(this.lanes.frameAt(event.clientX - canvas.getBoundingClientRect().left)));
    };
    canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); seek(event); });
    canvas.addEventListener("pointermove", (event) => { if (event.buttons) seek(event); });
  }

  /** Keys act while nothing else that takes keys has the focus. */
  key(event) {
    const focused = event.target.closest("select, aside, summary");
    const pressed = event.key === " " && event.target.closest("button");
    if (focused || pressed || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = this.keys(event.shiftKey)[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
    this.show();
  }

  keys(shift) {
    const many = shift ? 10 : 1, { camera } = this;
    return {
      " ": () => this.toggle(), ArrowLeft: () => this.step(-many), ArrowRight: () => this.step(many),
      Home: () => this.step(-this.walk.frames), End: () => this.step(this.walk.frames),
      "[": () => this.toEvent(-1), "]": () => this.toEvent(1), "f": () => this.setFollow(!this.follow),
      "l": () => { this.loop = !this.loop; }, "+": () => camera.magnify(1.15), "=": () => camera.magnify(1.15), "-": () => camera.magnify(1 / 1.15),
      "a": () => camera.orbit(0.1, 0), "d": () => camera.orbit(-0.1, 0), "w": () => camera.orbit(0, 0.1), "s": () => camera.orbit(0, -0.1),
      "1": () => camera.look("corner"), "2": () => camera.look("side"), "3": () => camera.look("front"), "4": () => camera.look("top"),
    };
  }
}

/** How far two fingers are apart, pixels; 1 where there is one. */
function spread(fingers) {
  const [a, b] = [...fingers.values()];
  return b ? Math.max(1, Math.hypot(a[0] - b[0], a[1] - b[1])) : 1;
}

addEventListener("error", (event) => {
  document.documentElement.dataset.error = event.message;
  byId("problem").textContent = `The player stopped: ${event.message}. What was measured is listed below.`;
  byId("problem").hidden = false;
});
new Player(new Walk(JSON.parse(byId("walk").textContent)));
