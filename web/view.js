/** Two pictures of one size, one over the other, and the line between them that a slider moves. */

export class View {
  constructor(element) {
    this.element = element;
    this.slider = element.querySelector("input");
    this.names = [".left", ".right"].map((name) => element.querySelector(name));
    this.slider.addEventListener("input", () => this.draw());
  }

  /** Shows RGBA samples in the canvas of that id. */
  show(id, { rgba, width, height }) {
    const canvas = this.element.querySelector(`#${id}`);
    canvas.width = width;
    canvas.height = height;
    canvas.getContext("2d").putImageData(new ImageData(rgba, width, height), 0, 0);
  }

  /** Percent of the width, from the left, that show the plain picture. */
  set split(percent) {
    this.slider.value = percent;
    this.draw();
  }

  draw() {
    const percent = this.slider.valueAsNumber;
    this.element.style.setProperty("--split", `${percent}%`);
    this.slider.setAttribute("aria-valuetext", `${percent} % plain`);
    this.names[0].hidden = percent < 15;
    this.names[1].hidden = percent > 85;
  }
}
