/* What Dash would write into the page as an inline script. */
var renderer = new DashRenderer();
