// What needs the browser: the theme, copying, whether numbers are live, and starting again after the server has forgotten us. Everything listens on the
// document, so that it also holds for elements that Blazor adds later.
(() => {
    'use strict';

    const year = 365 * 24 * 60 * 60;

    // What each is without a choice.
    const choices = { theme: 'system', zone: 'local', refresh: 'live' };
    for (const [, name, value] of document.cookie.matchAll(/(?:^|; )(theme|zone|refresh)=(\w+)/g)) {
        choices[name] = value;
    }

    // Blazor asks how often a page is to read again.
    window.dashboardChoice = name => choices[name];

    function choose(name, value) {
        const secure = location.protocol === 'https:' ? '; secure' : '';
        document.cookie = `${name}=${value}; path=/; max-age=${year}; samesite=lax${secure}`;
        choices[name] = value;
        if (name === 'theme') {
            showTheme(value);
        }
        showChoices();
    }

    function showTheme(choice) {
        for (const sheet of document.querySelectorAll('[data-theme-sheet]')) {
            const theme = sheet.dataset.themeSheet;
            sheet.media = choice === 'system' ? `(prefers-color-scheme: ${theme})` : choice === theme ? 'all' : 'not all';
        }
        for (const button of document.querySelectorAll('[data-theme-choice]')) {
            button.setAttribute('aria-pressed', String(button.dataset.themeChoice === choice));
        }
    }

    function set(element, name, value) {
        if (element.getAttribute(name) !== value) {
            element.setAttribute(name, value);
        }
    }

    // Making one costs more than all that it is used for in a second; a reader who travels gets another.
    const formats = new Map();

    function formatOf(zone) {
        if (!formats.has(zone)) {
            formats.set(zone, new Intl.DateTimeFormat('en-US', {
                timeZone: zone === 'UTC' ? zone : undefined, hourCycle: 'h23', timeZoneName: 'short',
                year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
            }));
        }
        return formats.get(zone);
    }

    function partsOf(date) {
        const offset = date.getTimezoneOffset();
        const utc = choices.zone === 'utc' || offset === 0;
        const parts = Object.fromEntries(formatOf(utc ? 'UTC' : offset).formatToParts(date).map(part => [part.type, part.value]));
        return {
            date: `${parts.year}-${parts.month}-${parts.day}`, time: `${parts.hour}:${parts.minute}:${parts.second}`,
            zone: utc ? 'UTC' : parts.timeZoneName,
        };
    }

    function zoned(date, form) {
        const { date: day, time, zone } = partsOf(date);
        return form === 'time' ? `${time} ${zone}` : `${day} ${time} ${zone}`;
    }

    // For fields in which a time is typed: what is in them is in the zone that the reader chose, what is asked of the server in UTC.
    window.dashboardTime = {
        zone: () => partsOf(new Date()).zone,
        shown: utc => {
            const { date, time } = partsOf(new Date(utc));
            return `${date}T${time}`;
        },
        utc: shown => {
            const date = new Date(choices.zone === 'utc' ? `${shown}Z` : shown);
            return Number.isNaN(date.getTime()) ? null : `${date.toISOString().slice(0, 19)}Z`;
        },
    };

    // Whatever Blazor has drawn anew, before it is painted.
    function showChoices() {
        for (const button of document.querySelectorAll('[data-choice]')) {
            set(button, 'aria-pressed', String(choices[button.dataset.choice] === button.dataset.value));
        }
        for (const clock of document.querySelectorAll('time[data-clock]')) {
            const text = zoned(new Date(clock.dateTime), clock.dataset.clock);
            if (clock.firstChild && clock.firstChild.nodeValue !== text) {
                clock.firstChild.nodeValue = text;
            }
        }
    }

    async function copyText(button) {
        const icon = button.querySelector('.icon');
        try {
            await navigator.clipboard.writeText(button.dataset.copyText);
            icon.textContent = 'check';
        } catch {
            // No clipboard without https: select the text, whole, and let the keyboard copy it.
            const shown = button.previousElementSibling;
            if (shown.localName === 'code') {
                shown.textContent = button.dataset.copyText;
            }
            getSelection().selectAllChildren(shown);
            icon.textContent = 'keyboard';
        }
        setTimeout(() => { icon.textContent = 'content_copy'; }, 2000);
    }

    async function copy(button) {
        const source = document.getElementById(button.dataset.copy);
        const label = button.textContent;
        try {
            await navigator.clipboard.writeText(source.textContent);
            button.textContent = 'Copied';
        } catch {
            // No clipboard without https: select the text, and let the keyboard copy it.
            getSelection().selectAllChildren(source);
            button.textContent = 'Press Ctrl+C';
        }
        setTimeout(() => { button.textContent = label; }, 2000);
    }

    document.addEventListener('click', event => {
        const theme = event.target.closest('[data-theme-choice]');
        const choice = event.target.closest('[data-choice]');
        const text = event.target.closest('[data-copy-text]');
        const source = event.target.closest('[data-copy]');
        if (theme) {
            choose('theme', theme.dataset.themeChoice);
        } else if (choice) {
            choose(choice.dataset.choice, choice.dataset.value);
        } else if (text) {
            copyText(text);
        } else if (source) {
            copy(source);
        }
    });

    // Enter sends what was written, unless an input method is composing it.
    document.addEventListener('keydown', event => {
        if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.target.matches?.('[data-submits]')) {
            event.preventDefault();
            event.target.form.requestSubmit();
        }
    });

    // Before Blazor, which takes a page for the same whose filters alone are others, and knows nothing of those that were chosen on it.
    document.addEventListener('click', event => {
        const link = event.target.closest?.('a[href]');
        if (!link || link.target || link.hasAttribute('download') || event.button !== 0
            || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) {
            return;
        }
        if (link.matches('.skip-link')) {
            event.preventDefault();
            location.hash = link.hash;
        } else if (link.origin === location.origin && link.pathname === location.pathname && link.search !== location.search) {
            event.preventDefault();
            location.assign(link.href);
        }
    }, true);

    // The palette: pages by their names, and searches with what was typed.
    function openPalette() {
        const palette = document.getElementById('palette');
        if (palette && !palette.open) {
            palette.querySelector('input').value = '';
            filterPalette();
            palette.showModal();
        }
    }

    function filterPalette() {
        const palette = document.getElementById('palette');
        const text = palette.querySelector('input').value.trim();
        for (const item of palette.querySelectorAll('[data-page]')) {
            item.hidden = !item.textContent.toLowerCase().includes(text.toLowerCase());
        }
        for (const item of palette.querySelectorAll('[data-search]')) {
            item.hidden = text === '';
            item.querySelector('q').textContent = text;
            item.querySelector('a').href = item.dataset.search + encodeURIComponent(text);
        }
    }

    document.addEventListener('input', event => {
        if (event.target.id === 'palette-text') {
            filterPalette();
        }
    });

    document.addEventListener('keydown', event => {
        if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
            event.preventDefault();
            openPalette();
            return;
        }
        const palette = event.target.closest?.('#palette');
        if (!palette) {
            return;
        }
        const links = [...palette.querySelectorAll('li:not([hidden]) a')];
        const at = links.indexOf(document.activeElement);
        if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            event.preventDefault();
            const next = at + (event.key === 'ArrowDown' ? 1 : -1);
            (next < 0 ? palette.querySelector('input') : links[Math.min(next, links.length - 1)])?.focus();
        } else if (event.key === 'Enter' && at < 0 && links.length > 0) {
            event.preventDefault();
            links[0].click();
        }
    });

    document.addEventListener('click', event => {
        if (event.target.closest('[data-palette-open]')) {
            openPalette();
        } else if (event.target.id === 'palette' || event.target.closest('#palette a')) {
            document.getElementById('palette').close();
        }
    });

    // A picture is shown from the file that the browser has.
    document.addEventListener('change', event => {
        const image = document.getElementById(event.target.dataset?.preview);
        if (image) {
            const reader = new FileReader();
            reader.onload = () => { image.src = reader.result; };
            image.onload = () => { image.hidden = false; };
            image.onerror = () => { image.hidden = true; };
            image.hidden = true;
            if (event.target.files[0]) {
                reader.readAsDataURL(event.target.files[0]);
            }
        }
    });

    // The server does not know the reader's time zone.
    for (const kind of ['pointerover', 'focusin']) {
        document.addEventListener(kind, event => {
            const time = event.target.closest?.('time[datetime]');
            if (time) {
                time.title = zoned(new Date(time.dateTime), 'full');
            }
        });
    }

    // Where a chart's plot lies, for the marks and the crosshair over it: its grid lines reach from edge to edge.
    function layPlot(plot) {
        const lines = [...plot.querySelectorAll('.rz-value-axis .rz-grid-line')].map(line => line.getBoundingClientRect());
        const axis = plot.querySelector('.rz-category-axis');
        if (lines.length === 0 || !axis) {
            return;
        }
        const around = plot.getBoundingClientRect();
        const left = Math.min(...lines.map(line => line.left));
        const top = Math.min(...lines.map(line => line.top));
        const places = {
            '--plot-left': left - around.left,
            '--plot-width': Math.max(...lines.map(line => line.right)) - left,
            '--plot-top': top - around.top,
            '--plot-height': axis.getBoundingClientRect().top - top,
        };
        for (const [name, value] of Object.entries(places)) {
            const text = `${Math.round(value)}px`;
            if (plot.style.getPropertyValue(name) !== text) {
                plot.style.setProperty(name, text);
            }
        }
    }

    // Charts are drawn anew at sizes and times of their own.
    setInterval(() => document.querySelectorAll('[data-plot]').forEach(layPlot), 250);

    function ago(seconds) {
        const [unit, name] = seconds >= 7200 ? [3600, 'h'] : seconds >= 120 ? [60, 'min'] : [1, 's'];
        return seconds < 1 ? 'now' : `${Math.round(seconds / unit * 10) / 10} ${name} ago`;
    }

    // One moment on all charts of a group: they have the same axis.
    document.addEventListener('pointermove', event => {
        const over = event.target.closest?.('[data-plot]');
        if (over) {
            layPlot(over);
        }
        for (const plot of document.querySelectorAll('[data-plot]')) {
            let at = -1;
            if (over && over.closest('[data-charts]') === plot.closest('[data-charts]')) {
                const left = over.getBoundingClientRect().left + parseFloat(over.style.getPropertyValue('--plot-left'));
                at = (event.clientX - left) / parseFloat(over.style.getPropertyValue('--plot-width'));
            }
            plot.toggleAttribute('data-cross', at >= 0 && at <= 1);
            if (at >= 0 && at <= 1) {
                const line = plot.querySelector('.crosshair');
                line.style.setProperty('--at', String(at));
                line.dataset.ago = ago((1 - at) * Number(plot.dataset.plot));
                line.toggleAttribute('data-late', at > 0.7);
            }
        }
    });

    // Only the browser can tell that updates no longer arrive: a broken connection says nothing.
    const staleAfter = choices.refresh === 'calm' ? 15000 : 3000;
    let shown = '';
    let shownAt = 0;

    setInterval(() => {
        const live = document.querySelector('[data-live]');
        if (!live) {
            return;
        }
        const updated = live.querySelector('time').dateTime;
        if (updated !== shown) {
            shown = updated;
            shownAt = performance.now();
        }
        live.toggleAttribute('data-stale', performance.now() - shownAt > staleAfter);
    }, 500);

    // The browser knows at once, and a circuit after half a minute.
    const showOffline = () => document.body?.toggleAttribute('data-offline', !navigator.onLine);
    for (const kind of ['online', 'offline', 'DOMContentLoaded']) {
        addEventListener(kind, showOffline);
    }

    document.addEventListener('DOMContentLoaded', () => {
        showChoices();
        new MutationObserver(showChoices).observe(
            document.body, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['datetime'] });
        // "Rejected": the server answers but the circuit is gone, as after a new deployment.
        const notice = document.getElementById('components-reconnect-modal');
        new MutationObserver(() => {
            if (notice.classList.contains('components-reconnect-rejected')) {
                location.reload();
            }
        }).observe(notice, { attributes: true, attributeFilter: ['class'] });
    });
})();
