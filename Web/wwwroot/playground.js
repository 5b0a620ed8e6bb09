// The playground's drawing area. Strokes are kept as lines and not as pixels, so that they can be put into the model's small picture
// as its training data were: as large as fits, centred, with one width of line.
export function attach(canvas, page, cells, columns, brightest) {
    const strokes = [];
    const listening = new AbortController();
    let drawing = null;
    let timer = 0;

    function redraw() {
        const side = Math.round(canvas.clientWidth * devicePixelRatio);
        canvas.width = canvas.height = side;
        const ink = canvas.getContext('2d');
        prepare(ink, side * 0.09, getComputedStyle(canvas).color);
        for (const stroke of strokes) {
            draw(ink, stroke.map(([x, y]) => [x * side, y * side]));
        }
    }

    function prepare(ink, width, color) {
        ink.lineWidth = width;
        ink.lineCap = ink.lineJoin = 'round';
        ink.strokeStyle = color;
    }

    function draw(ink, points) {
        ink.beginPath();
        ink.moveTo(...points[0]);
        // A line to where it begins is a dot.
        for (const point of points) {
            ink.lineTo(...point);
        }
        ink.stroke();
    }

    function pixels() {
        const all = strokes.flat();
        const [left, right] = [Math.min(...all.map(p => p[0])), Math.max(...all.map(p => p[0]))];
        const [top, bottom] = [Math.min(...all.map(p => p[1])), Math.max(...all.map(p => p[1]))];
        const fine = 8;
        const width = 1.7;
        const scale = Math.min((columns - width) / Math.max(right - left, 0.01), (cells - width) / Math.max(bottom - top, 0.01), cells * 4);
        const small = document.createElement('canvas');
        small.width = small.height = cells * fine;
        const ink = small.getContext('2d', { willReadFrequently: true });
        prepare(ink, width * fine, '#fff');
        const place = (value, low, high) => (cells / 2 + (value - (low + high) / 2) * scale) * fine;
        for (const stroke of strokes) {
            draw(ink, stroke.map(([x, y]) => [place(x, left, right), place(y, top, bottom)]));
        }
        const drawn = ink.getImageData(0, 0, small.width, small.height).data;
        const sums = new Array(cells * cells).fill(0);
        for (let y = 0; y < small.height; y++) {
            for (let x = 0; x < small.width; x++) {
                sums[Math.floor(y / fine) * cells + Math.floor(x / fine)] += drawn[(y * small.width + x) * 4 + 3];
            }
        }
        return sums.map(sum => Math.round(sum / (255 * fine * fine) * brightest));
    }

    // Not for each point of a line: the last one within a moment tells all.
    function tell(wait) {
        clearTimeout(timer);
        timer = setTimeout(() => page.invokeMethodAsync('Drawn', strokes.length > 0 ? pixels() : []), wait);
    }

    function point(event) {
        const box = canvas.getBoundingClientRect();
        return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    }

    function on(target, name, handle) {
        target.addEventListener(name, handle, { signal: listening.signal });
    }

    on(canvas, 'pointerdown', event => {
        event.preventDefault();
        canvas.setPointerCapture(event.pointerId);
        drawing = [point(event)];
        strokes.push(drawing);
        redraw();
    });
    on(canvas, 'pointermove', event => {
        if (drawing) {
            drawing.push(...(event.getCoalescedEvents?.() ?? []).map(point), point(event));
            redraw();
            tell(120);
        }
    });
    for (const end of ['pointerup', 'pointercancel']) {
        on(canvas, end, () => {
            if (drawing) {
                drawing = null;
                tell(0);
            }
        });
    }
    // The ink has the theme's color.
    on(document, 'click', event => { if (event.target.closest('[data-theme-choice]')) { setTimeout(redraw, 100); } });
    on(matchMedia('(prefers-color-scheme: dark)'), 'change', redraw);
    on(window, 'resize', redraw);
    redraw();
    canvas.dataset.ready = 'true';

    return {
        clear() {
            strokes.length = 0;
            redraw();
            tell(0);
        },
        example() {
            strokes.splice(0, strokes.length, [[0.28, 0.2], [0.72, 0.2], [0.58, 0.5], [0.46, 0.82]]);
            redraw();
            tell(0);
        },
        dispose() {
            clearTimeout(timer);
            listening.abort();
        },
    };
}
