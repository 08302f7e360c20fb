document.getElementById('t').textContent = (await (await fetch('/api/v1/time')).json()).now;
