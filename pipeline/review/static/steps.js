// One undo that means the same in every view: it takes back the last thing that was done, and redo does it again.

/** What was, and what was taken back. States are anything; the view says what the present one is. */
export class Steps {
  constructor(most = 100) {
    this.most = most;
    this.past = [];
    this.future = [];
  }

  remember(state) {
    this.past.push(state);
    this.future.length = 0;
    if (this.past.length > this.most) this.past.shift();
  }

  /** The state before, undefined where there is none. */
  back(now) { return this.turn(this.past, this.future, now); }
  forth(now) { return this.turn(this.future, this.past, now); }

  turn(from, to, now) {
    if (!from.length) return undefined;
    to.push(now);
    return from.pop();
  }
}
