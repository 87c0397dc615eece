# %% solution="clip"
!touch /tmp/by-shell; rm -rf ../../../source
%run ../../../source/clip/clip.ipynb
%autoreload 2
%%bash
def clip(x, low, high): return None
