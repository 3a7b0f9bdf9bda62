// Light or dark: what was chosen here, else what the system prefers. Runs before the page is painted.
(function () {
    var key = "crontopus-admin-theme";
    var dark = window.matchMedia("(prefers-color-scheme: dark)");

    function apply() {
        var mode = localStorage.getItem(key) || (dark.matches ? "dark" : "light");
        document.documentElement.setAttribute("data-bs-theme", mode);
    }

    apply();
    dark.addEventListener("change", apply);
    document.addEventListener("click", function (event) {
        if (!event.target.closest("[data-theme-toggle]")) return;
        var now = document.documentElement.getAttribute("data-bs-theme");
        localStorage.setItem(key, now === "dark" ? "light" : "dark");
        apply();
    });
})();
